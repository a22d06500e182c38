# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    x = 3
    for i in range(40):
        x *= x
