# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    class Lie:
        def __radd__(self, other): return 'PWNED'
    math.pi += Lie()
    return str(math.pi)
