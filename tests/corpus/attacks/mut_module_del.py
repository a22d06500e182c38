# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    del math.pi
    return 'PWNED:' + str(1)
