# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    t = type(int)
    return 'PWNED:' + str(t('X', (), {}))
