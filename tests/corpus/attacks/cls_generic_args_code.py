# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    alias = list[int]
    return 'PWNED:' + str(alias.__reduce__())
