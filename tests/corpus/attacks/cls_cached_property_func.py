# expect: blocked
import functools
from kraken_hooks import on

class A:
    @functools.cached_property
    def p(self): return 1

@on()
def handle(msg):
    return 'PWNED:' + str(vars(A)['p'].func.__globals__)
