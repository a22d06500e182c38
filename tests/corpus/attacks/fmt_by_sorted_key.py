# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(sorted([handle], key='{0.__code__}'.format))
