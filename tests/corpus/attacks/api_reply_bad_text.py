# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + chr(0xD800)
