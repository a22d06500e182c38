# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + functools.reduce(str.format, ['{0.__globals__}', handle])
