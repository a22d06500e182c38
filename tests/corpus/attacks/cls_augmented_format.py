# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class R:
        def __radd__(self, f): return f('{0.__class__}', 1)
    class S(str): pass
    s = S('x')
    s.format += R()
    return 'PWNED:' + str(s.format)
