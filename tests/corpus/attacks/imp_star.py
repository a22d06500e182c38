# expect: blocked
from os import *
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(path)
