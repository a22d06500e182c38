# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    __builtins__['len'] = 1
    return 'PWNED:' + str(len)
