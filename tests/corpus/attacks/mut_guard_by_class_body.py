# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        _write_ = lambda x: x
        math.pi = 3
    math.pi = 3
    return 'PWNED:' + str(math.pi)
