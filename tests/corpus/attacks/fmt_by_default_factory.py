# expect: blocked
from collections import defaultdict
from kraken_hooks import on

@on()
def handle(msg):
    class M(dict):
        def __missing__(self, key): return handle
    return 'PWNED:' + '{x.__globals__}'.format_map(M())
