# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    raise SystemExit('PWNED:')
