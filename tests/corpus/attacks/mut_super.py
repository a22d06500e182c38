# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    super = lambda: msg
    return 'PWNED:' + str(super())
