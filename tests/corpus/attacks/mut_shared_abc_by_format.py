# expect: blocked
from collections.abc import Mapping
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str('{0.register}'.format(Mapping))
