# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    e = ValueError()
    e.__traceback__ = None
    return 'PWNED:' + str(e)
