# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def inner(): yield g.gi_yieldfrom
    def outer(): yield from inner()
    g = outer()
    return 'PWNED:' + str(next(g))
