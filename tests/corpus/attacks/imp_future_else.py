# expect: blocked
import __future__
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(__future__)
