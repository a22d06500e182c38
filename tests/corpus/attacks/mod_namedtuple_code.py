# expect: blocked
from collections import namedtuple
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(namedtuple('P', 'x __class__'))
