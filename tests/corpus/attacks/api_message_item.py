# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    msg['id'] = 1
    return 'PWNED:' + str(1)
