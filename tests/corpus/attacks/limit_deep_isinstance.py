# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    kinds = (int,)
    for _ in range(500_000): kinds = (kinds, str)
    return str(isinstance(1.5, kinds))
