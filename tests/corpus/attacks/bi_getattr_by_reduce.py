# expect: blocked
from functools import reduce
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(reduce(getattr, ['__class__', '__base__'], msg))
