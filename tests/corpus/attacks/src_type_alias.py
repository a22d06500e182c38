# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    type X = ().__class__
    return 'PWNED:' + str(X.__value__)
