# expect: blocked
from kraken_hooks import on

class I:
    def __index__(self): return 2**62

@on()
def handle(msg):
    return 'PWNED' if [0] * I() else ''
