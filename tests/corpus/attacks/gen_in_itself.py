# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    g = None
    def f():
        yield g.gi_frame.f_back
    g = f()
    return 'PWNED:' + str(next(g))
