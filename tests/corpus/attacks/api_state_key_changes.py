# expect: blocked
from kraken_hooks import on, state

class K(str):
    def __str__(self): return 'other.py'

@on()
def handle(msg):
    state.set(K('mine'), handle)
    return 'PWNED'
