# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        @property
        def p(self): return 1
    return 'PWNED:' + str(A.p.fget.__globals__)
