# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    typing.Mapping.register(A)
    return 'PWNED:' + str(isinstance(A(), typing.Mapping))
