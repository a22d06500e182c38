# expect: blocked
from kraken_hooks import on

class L:
    def __length_hint__(self): return 2**40
    def __iter__(self): return iter([1])

@on()
def handle(msg):
    return 'PWNED' + str(len(list(L())))
