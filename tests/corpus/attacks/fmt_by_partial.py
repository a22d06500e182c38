# expect: blocked
from functools import partial
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(partial('{0.__class__}'.format, msg)())
