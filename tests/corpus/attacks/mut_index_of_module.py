# expect: blocked
import json
from kraken_hooks import on

@on()
def handle(msg):
    [json.loads][0], (json.dumps) = 1, 2
    return 'PWNED'
