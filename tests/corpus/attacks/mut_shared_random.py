# expect: blocked
import random
from kraken_hooks import on

@on()
def handle(msg):
    random.Random.random = lambda s: 4
    return 'PWNED:' + str(random.Random().random())
