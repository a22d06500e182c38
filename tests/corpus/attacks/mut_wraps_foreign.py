# expect: blocked
import json
from functools import wraps
from kraken_hooks import on

@on()
def handle(msg):
    wraps(handle)(json.dumps)
    json.dumps.x = 1
    return 'PWNED:' + str(json.dumps)
