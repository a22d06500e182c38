# expect: blocked
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    state.set('f', handle)
    return 'PWNED:' + str(1)
