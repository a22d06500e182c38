# expect: limit
from kraken_hooks import log, on

class S(str):
    def isascii(self): return True
    def __str__(self): return self
    def __len__(self): return 1

@on()
def handle(msg):
    log.info(S('x'), key=S('y'), **{S('z'): S('w')})
    print(S('a'))
