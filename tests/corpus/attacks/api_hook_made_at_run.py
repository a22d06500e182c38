# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    @on()
    def later(m): return 'x'
    return 'PWNED:' + str(later.__closure__)
