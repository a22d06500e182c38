# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    '%*d' % (2 ** 31 - 1, 1)
