# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str((int | str).__args__[0].__mro__)
