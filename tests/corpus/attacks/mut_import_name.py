# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    global __import__
    __import__ = len
    return 'PWNED:' + str(1)
