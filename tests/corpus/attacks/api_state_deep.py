# expect: blocked
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    x = []
    x.append(x)
    state.set('f', x)
    return 'PWNED:' + str(1)
