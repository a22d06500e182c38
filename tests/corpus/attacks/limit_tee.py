# expect: limit
import itertools
from kraken_hooks import on

@on()
def handle(msg):
    a, b = itertools.tee(itertools.count())
    for x in a:
        pass
