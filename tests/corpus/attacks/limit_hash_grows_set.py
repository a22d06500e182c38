# expect: limit
from kraken_hooks import on

class H:
    def __hash__(self): return 1
    def __eq__(self, other):
        seen.add(H())
        return False

seen = set()

@on()
def handle(msg):
    while True: seen.add(H())
