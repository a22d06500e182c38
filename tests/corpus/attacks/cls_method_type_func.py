# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def m(self): pass
    return 'PWNED:' + str(A().m.__func__.__code__.co_consts)
