# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    ValueError.__notes__ = ['x']
    return 'PWNED'
