# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: __slots__ = ('x',)
    return 'PWNED:' + str(A.x.__objclass__.__base__)
