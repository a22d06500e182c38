# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    class B: pass
    a = A()
    a.__class__ = B
    return 'PWNED:' + str(a)
