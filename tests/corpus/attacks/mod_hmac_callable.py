# expect: blocked
import hmac
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(hmac.new(b'k', b'm', lambda *a: msg))
