# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    handle.__globals__['x'] = 1
    return 'PWNED:' + str(x)
