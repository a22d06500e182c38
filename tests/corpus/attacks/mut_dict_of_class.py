# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    vars(A)['x'] = 1
    return 'PWNED:' + str(A.x)
