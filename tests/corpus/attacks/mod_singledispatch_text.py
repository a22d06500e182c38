# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    @functools.singledispatch
    def f(x): return x
    @f.register
    def g(x: '().__class__'): return x
    return 'PWNED:' + str(f(1))
