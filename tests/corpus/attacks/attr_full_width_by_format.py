# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + '{0.＿＿class＿＿}'.format(())
