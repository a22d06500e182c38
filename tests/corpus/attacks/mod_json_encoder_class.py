# expect: blocked
import json
from kraken_hooks import on

@on()
def handle(msg):
    class E:
        def __init__(self, **k): self.k = k
        def encode(self, o): return o
    return 'PWNED:' + str(json.dumps(msg, cls=E))
