# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    ＿ｇetattr＿ = lambda value, name: value
    return 'PWNED:' + '{0}'.format(1)
