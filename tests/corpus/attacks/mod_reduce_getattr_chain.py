# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(functools.reduce(getattr, ['__globals__'], handle))
