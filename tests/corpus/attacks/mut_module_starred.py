# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    a, *math.pi = 1, 2
    return 'PWNED:' + str(math.pi)
