# expect: blocked
import random
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(random.Random()._randbelow(3))
