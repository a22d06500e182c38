# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    f = '{0.__globals__}'.format
    return 'PWNED:' + str(list(map(f, [handle])))
