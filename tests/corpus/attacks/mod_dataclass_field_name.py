# expect: blocked
import dataclasses
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        x: int
    A.__annotations__['x: int = __import__("os"), y'] = int
    made = dataclasses.dataclass(A)
    return 'PWNED:' + str(made(1).__class__.__init__)
