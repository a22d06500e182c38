# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    try:
        1 / 0
    except Exception as _write_:
        pass
    math.pi = 3
    return 'PWNED:' + str(math.pi)
