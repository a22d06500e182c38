# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    TYPE_CHECKING = True
    if TYPE_CHECKING:
        import os
    return 'PWNED:' + str(os)
