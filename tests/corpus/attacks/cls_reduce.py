# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __reduce__(self): return eval, ('1',)
    return 'PWNED:' + str(A())
