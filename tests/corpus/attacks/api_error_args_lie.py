# expect: blocked
from kraken_hooks import on

class E(Exception):
    @property
    def args(self): raise self
    @property
    def __cause__(self): return self
    def __str__(self): raise self

@on()
def handle(msg):
    raise E from E()
