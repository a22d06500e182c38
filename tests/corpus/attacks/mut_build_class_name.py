# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def __build_class__(*a): return 1
    return 'PWNED:' + str(1)
