# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def f(x: ().__class__.__base__): pass
    return 'PWNED:' + str(f.__annotations__)
