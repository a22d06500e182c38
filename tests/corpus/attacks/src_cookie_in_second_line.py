# expect: blocked
# vim: set fileencoding=utf-7 :
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED'
