# expect: blocked
import json
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + json.dumps(handle, default=lambda value: value.__code__.co_names)
