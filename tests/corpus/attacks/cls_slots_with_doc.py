# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: __slots__ = {'x': 'doc'}
    return 'PWNED'
