# expect: limit
from kraken_hooks import state
from kraken_hooks import on

@on()
def handle(msg):
    i = 0
    while True:
        state.set(str(i), 'x' * 1000)
        i += 1
