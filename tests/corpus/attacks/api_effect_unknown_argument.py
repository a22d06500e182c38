# expect: blocked
from kraken_hooks import store
from kraken_hooks import on

@on()
def handle(msg):
    store.write('m', fields={'v': 1}, sink='redis')
    return 'PWNED:' + str(1)
