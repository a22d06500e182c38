# expect: blocked
from enum import Enum
from kraken_hooks import on

@on()
def handle(msg):
    class E(Enum):
        A = 1
    return 'PWNED:' + str(E._member_map_)
