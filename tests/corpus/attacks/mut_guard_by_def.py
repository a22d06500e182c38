# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    def _getattr_(x, n): return x
    math.pi = 3
    return 'PWNED:' + str(math.pi)
