# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A(**{'metaclass': lambda *a: 1}): pass
    return 'PWNED:' + str(A)
