# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    object.__setattr__(msg, 'id', 'x')
    return 'PWNED:' + str(msg.id)
