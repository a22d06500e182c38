# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    class _method_:
        pass
    math.pi = 3
    return 'PWNED:' + str(math.pi)
