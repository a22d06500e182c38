# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        __abstractmethods__ = {'x'}
    return 'PWNED:' + str(A)
