# expect: blocked
import hashlib
from kraken_hooks import on

@on()
def handle(msg):
    hashlib.algorithms_available.clear()
    return 'PWNED:' + str(hashlib.algorithms_available)
