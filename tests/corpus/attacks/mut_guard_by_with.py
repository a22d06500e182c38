# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    class C:
        def __enter__(self): return lambda x: x
        def __exit__(self, *e): pass
    with C() as _write_:
        pass
    math.pi = 3
    return 'PWNED:' + str(math.pi)
