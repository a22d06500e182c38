# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    import json as _write_
    math.pi = 3
    return 'PWNED:' + str(math.pi)
