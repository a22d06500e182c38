# expect: blocked
from enum import Enum
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(Enum('E', 'A', module='sys'))
