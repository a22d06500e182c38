# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    on.__defaults__ = ()
    return 'PWNED:' + str(1)
