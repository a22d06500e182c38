# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    x = []
    for i in range(10 ** 5):
        x = [x]
    repr(x)
