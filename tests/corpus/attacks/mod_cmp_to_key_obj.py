# expect: blocked
import functools
from kraken_hooks import on

@on()
def handle(msg):
    k = functools.cmp_to_key(lambda a, b: 0)(handle)
    return 'PWNED:' + str(k.obj.__globals__)
