# expect: blocked
import base64
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(base64.encode(msg, msg))
