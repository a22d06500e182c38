# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(typing.Type.__origin__('X', (), {}))
