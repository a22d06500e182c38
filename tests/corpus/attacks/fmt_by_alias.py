# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str): f = str.format
    return 'PWNED:' + str(S('{0.__class__}').f(msg))
