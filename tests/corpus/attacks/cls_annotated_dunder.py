# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        __class__: int = 1
    return 'PWNED:' + str(A)
