# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def f(self): object.__setattr__(self, '__class__', int)
    return 'PWNED:' + str(A().f())
