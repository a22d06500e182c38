# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def f(self): super().__setattr__('__cla' + 'ss__', int)
    return 'PWNED:' + str(A().f())
