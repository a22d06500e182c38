# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    found = []
    class D:
        def __set_name__(self, owner, name): found.append(owner.__subclasses__)
    class A: d = D()
    return 'PWNED:' + str(found)
