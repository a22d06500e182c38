# expect: blocked
import decimal
from kraken_hooks import on

@on()
def handle(msg):
    decimal.DefaultContext.prec = 1
    return 'PWNED:' + str(1)
