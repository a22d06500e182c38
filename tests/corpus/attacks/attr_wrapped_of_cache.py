# expect: blocked
from functools import lru_cache
from kraken_hooks import on

@on()
def handle(msg):
    @lru_cache
    def f(): pass
    return 'PWNED:' + str(f.__wrapped__)
