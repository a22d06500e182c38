# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    x = [1 for _getattr_ in [1]]
    math.pi = 3
    return 'PWNED:' + str(math.pi)
