# expect: blocked
from dataclasses import dataclass
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        pass
    A.__annotations__['x: int = __import__("os"), y: int'] = int
    return 'PWNED:' + str(dataclass(A)(y=1).x)
