# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    sum(range(10 ** 11))
