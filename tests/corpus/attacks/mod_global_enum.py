# expect: blocked
import enum
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(enum.global_enum)
