# expect: blocked
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    state.set('\x00throttle/x', 1)
    return 'PWNED:' + str(1)
