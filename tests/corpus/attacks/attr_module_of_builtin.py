# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str([].append.__self__.__class__.__module__)
