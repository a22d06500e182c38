# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    class B: pass
    B.__bases__ = (A,)
    return 'PWNED:' + str(B)
