# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    msg.id = 'other'
    return 'PWNED:' + str(msg.id)
