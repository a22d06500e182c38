# expect: blocked
import math
from kraken_hooks import on

class C:
    def __enter__(self): return ((1, 2), 3)
    def __exit__(self, *a): return True

@on()
def handle(msg):
    with C() as ((math.pi, math.e), math.tau):
        pass
    if math.pi == 1: return 'PWNED'
    raise ValueError
