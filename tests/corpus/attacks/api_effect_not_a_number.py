# expect: blocked
from kraken_hooks import store
from kraken_hooks import on

@on()
def handle(msg):
    store.write('m', fields={'v': float('nan')})
    return 'PWNED:' + str(1)
