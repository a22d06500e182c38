# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    import collections
    return 'PWNED:' + str(collections.__module_name__)
