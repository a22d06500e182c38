# expect: blocked
from collections import UserString
from kraken_hooks import on

@on()
def handle(msg):
    class U(UserString): pass
    return 'PWNED:' + str(U('{a.__class__}').format_map({'a': msg}))
