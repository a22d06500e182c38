# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    ValueError.args = 1
    return 'PWNED:' + str(1)
