# expect: blocked
import math
from kraken_hooks import on

@on()
def handle(msg):
    for (a, [math.pi]) in [(1, [3])]:
        pass
    return 'PWNED:' + str(math.pi)
