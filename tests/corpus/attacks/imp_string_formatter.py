# expect: blocked
import string
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(string.Formatter().format('{0.__class__}', msg))
