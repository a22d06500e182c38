# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    class A: m = functools.partialmethod(object.__setattr__, 'x')
    A().m(1)
    return 'PWNED'
