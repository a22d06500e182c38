# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    vars(math)['pi'] = 3
    return 'PWNED:' + str(math.pi)
