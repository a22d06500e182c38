# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(ValueError('x').with_traceback(None))
