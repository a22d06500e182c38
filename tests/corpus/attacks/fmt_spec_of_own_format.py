# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class F:
        def __format__(self, spec): return spec.format(handle)
    return 'PWNED:' + '{0:{1}}'.format(F(), '{0.__globals__}')
