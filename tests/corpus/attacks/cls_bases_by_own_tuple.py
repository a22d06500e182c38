# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class Bases:
        def __mro_entries__(self, bases): return (type,)
    class A(Bases()): pass
    return 'PWNED:' + str(A)
