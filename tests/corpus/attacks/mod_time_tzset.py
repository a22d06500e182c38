# expect: blocked
import time
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(time.tzset())
