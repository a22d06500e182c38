# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __mro_entries__(self, b): return (int,)
    class B(A()): pass
    return 'PWNED:' + str(B)
