# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    class C:
        def __enter__(self): return 3
        def __exit__(self, *e): pass
    with C() as math.pi:
        pass
    return 'PWNED:' + str(math.pi)
