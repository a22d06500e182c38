# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str):
        def f(self, x): return super().format(x)
    return 'PWNED:' + str(S('{0.__class__}').f(msg))
