# expect: limit
import itertools
from kraken_hooks import on

@on()
def handle(msg):
    list(itertools.permutations(range(14)))
