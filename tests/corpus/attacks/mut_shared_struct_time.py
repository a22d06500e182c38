# expect: blocked
import time
from kraken_hooks import on

@on()
def handle(msg):
    time.struct_time.n_fields = 1
    return 'PWNED:' + str(1)
