# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __init_subclass__(cls, **kw): cls.g = cls.__init_subclass__.__globals__
    class B(A, x=1): pass
    return 'PWNED:' + str(B.g)
