# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A(*[type(type(1))]): pass
    return 'PWNED:' + str(A('x', (), {}))
