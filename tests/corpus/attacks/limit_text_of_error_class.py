# expect: blocked
from kraken_hooks import on

class S(str):
    def isascii(self): return True
    def __str__(self): return self

class E(Exception):
    def __str__(self): return S('x')

@on()
def handle(msg):
    raise E
