# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __getattribute__(self, n): return 'x'
    return 'PWNED:' + str(A().y)
