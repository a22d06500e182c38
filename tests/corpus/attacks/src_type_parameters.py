# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def f[T: ().__class__.__base__](x: T): return x
    return 'PWNED:' + str(f.__type_params__)
