# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def f(self): return super().__getattribute__('f')
    return 'PWNED:' + str(A().f())
