# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    del msg.payload
    return 'PWNED:' + str(1)
