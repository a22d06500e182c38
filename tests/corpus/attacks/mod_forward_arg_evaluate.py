# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(typing.Optional['x'].__args__[0]._evaluate({}, {}, frozenset()))
