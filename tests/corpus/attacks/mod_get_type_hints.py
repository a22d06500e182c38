# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(typing.get_type_hints(handle))
