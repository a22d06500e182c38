# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(typing.NewType('N', int).__supertype__.__mro__)
