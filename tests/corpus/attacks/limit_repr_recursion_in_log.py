# expect: limit
from kraken_hooks import log, on

class R:
    def __repr__(self): return str([self] * 100)
    __str__ = __repr__

@on()
def handle(msg):
    log.info(R())
