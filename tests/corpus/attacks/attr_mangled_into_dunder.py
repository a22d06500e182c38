# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class _A:
        def f(self, x): return x.__globals__
    return 'PWNED:' + str(_A().f(handle))
