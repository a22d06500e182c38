# expect: blocked
from kraken_hooks import on, reply

class L(dict):
    @property
    def __class__(self): return int
    def items(self): raise SystemExit

@on()
def handle(msg):
    return reply('x', metadata=L(a=1))
