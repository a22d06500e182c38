# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class D(dict):
        def __missing__(self, k): return msg
    return 'PWNED:' + str('{x.__class__}'.format_map(D()))
