# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    d = {}
    i = 0
    while True:
        d[i] = str(i) * 100
        i += 1
