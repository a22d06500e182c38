# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    setattr(A, '__del__', lambda self: None)
    return 'PWNED'
