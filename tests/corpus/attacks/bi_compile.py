# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(compile('1', 'x', 'eval'))
