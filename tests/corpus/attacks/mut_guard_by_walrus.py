# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    (_private_ := lambda x, n: x)
    math.pi = 3
    return 'PWNED:' + str(math.pi)
