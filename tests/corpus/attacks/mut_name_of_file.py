# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    global __name__
    __name__ = 'sys'
    return 'PWNED:' + str(__name__)
