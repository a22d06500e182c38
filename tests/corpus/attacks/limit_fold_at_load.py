# expect: limit
from kraken_hooks import on

X = 2 ** 10 ** 8 if False else [0] * 5
Y = (('a' * 4096) * 4096) * 4096

@on()
def handle(msg):
    return None
