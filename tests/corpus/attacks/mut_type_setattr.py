# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    type.__setattr__(int, 'x', 1)
    return 'PWNED:' + str(1)
