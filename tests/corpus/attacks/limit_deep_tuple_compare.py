# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    a = b = ()
    for _ in range(500_000): a, b = (a,), (b,)
    return str(a == b)
