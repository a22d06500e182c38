# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str('{0[0].__class__}'.format([msg]))
