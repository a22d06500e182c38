# expect: blocked
import uuid
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(uuid.getnode())
