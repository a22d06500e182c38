# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    _write_: int = 1
    math.pi = 3
    return 'PWNED:' + str(math.pi)
