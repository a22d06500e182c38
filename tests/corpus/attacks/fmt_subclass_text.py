# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str):
        def __contains__(self, x): return False
        def __iter__(self): return iter(())
    return 'PWNED:' + str(S('{0.__class__}').format(msg))
