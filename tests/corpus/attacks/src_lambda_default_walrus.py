# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str((lambda x=(_write_ := lambda value: value): x)())
