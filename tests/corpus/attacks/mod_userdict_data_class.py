# expect: blocked
from collections import UserDict
from kraken_hooks import on

@on()
def handle(msg):
    UserDict.data = {}
    return 'PWNED'
