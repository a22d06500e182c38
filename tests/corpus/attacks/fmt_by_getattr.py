# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(getattr(str, 'for' + 'mat')('{0.__class__}', msg))
