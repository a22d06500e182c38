# expect: blocked
import statistics
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(statistics.random)
