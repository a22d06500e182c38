# expect: blocked
from collections.abc import Mapping
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    Mapping.register(A)
    return 'PWNED:' + str(isinstance(A(), Mapping))
