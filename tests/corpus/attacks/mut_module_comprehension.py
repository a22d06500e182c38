# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    [1 for math.pi in [3]]
    return 'PWNED:' + str(math.pi)
