# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    e = ValueError()
    e.__cause__ = KeyError()
    return 'PWNED:' + str(e)
