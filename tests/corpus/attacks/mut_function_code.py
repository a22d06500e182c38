# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def f(): return 1
    f.__code__ = handle.__code__
    return 'PWNED:' + str(f())
