# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(str.__format__('{0.__class__}', msg))
