# expect: blocked
from collections import UserString
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(UserString('{0.__class__}').format(msg))
