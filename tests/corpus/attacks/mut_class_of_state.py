# expect: blocked
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    type(state).get = lambda *a: 1
    return 'PWNED:' + str(state.get('x'))
