# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    setattr(A, '__module__', 'sys')
    return 'PWNED:' + str(A)
