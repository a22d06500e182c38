# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + 'x' * (5 * 1024 * 1024)
