# expect: blocked
from dataclasses import dataclass
from kraken_hooks import on

def names(x: int): pass

@on()
def handle(msg):
    class A:
        x: int
    for name in ['y=__import__("os").getcwd()']:
        setattr(A, name, 1)
        A.__annotations__[name] = int
    made = dataclass(A)
    return 'PWNED:' + str(made(1).__dict__[name])
