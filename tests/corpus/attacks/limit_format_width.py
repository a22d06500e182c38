# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    format(1, '999999999999d')
