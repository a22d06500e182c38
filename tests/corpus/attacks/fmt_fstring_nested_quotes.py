# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return f'PWNED:{().__class__.__base__!r:>{len("x")}}'
