# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(list(map(getattr, [msg], ['__class__'])))
