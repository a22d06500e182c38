# expect: blocked
import copy as X
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(X)
