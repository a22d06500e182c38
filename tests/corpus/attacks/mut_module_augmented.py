# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    math.pi += 1
    return 'PWNED:' + str(math.pi)
