# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    sorted(range(10 ** 7), key=lambda x: -x)
