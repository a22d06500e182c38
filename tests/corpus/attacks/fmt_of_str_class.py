# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    f = str.format
    return 'PWNED:' + str(f('{0.__class__}', msg))
