# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str((1).__reduce_ex__(2))
