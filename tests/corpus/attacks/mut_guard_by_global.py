# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    global _write_
    _write_ = 1
    math.pi = 3
    return 'PWNED:' + str(math.pi)
