# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    for _write_ in [lambda x: x]:
        pass
    math.pi = 3
    return 'PWNED:' + str(math.pi)
