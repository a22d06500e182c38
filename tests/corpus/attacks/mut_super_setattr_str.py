# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str): pass
    class A:
        def f(self): super().__setattr__(S('x'), 1)
    A().f()
    return 'PWNED:' + str(1)
