# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    import sys
    print('PWNED:', file=sys.stderr)
