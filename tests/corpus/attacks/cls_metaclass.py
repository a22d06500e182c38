# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class M(type): pass
    class A(metaclass=M): pass
    return 'PWNED:' + str(A)
