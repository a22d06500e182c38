# expect: blocked
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    state.get = lambda k: 1
    return 'PWNED:' + str(state.get('x'))
