# expect: blocked
from json import __builtins__ as X
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(X)
