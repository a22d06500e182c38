# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    x = [bytes(10 ** 7) for i in range(10 ** 4)]
