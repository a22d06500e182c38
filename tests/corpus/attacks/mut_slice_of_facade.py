# expect: blocked
import json
from kraken_hooks import on

@on()
def handle(msg):
    json[:] = [1]
    return 'PWNED'
