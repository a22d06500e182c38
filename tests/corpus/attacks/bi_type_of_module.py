# expect: blocked
import json
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(type(json))
