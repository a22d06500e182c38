# expect: limit
import itertools
from kraken_hooks import on

@on()
def handle(msg):
    i = iter(())
    for _ in range(1_000_000): i = itertools.chain(i)
    next(i)
