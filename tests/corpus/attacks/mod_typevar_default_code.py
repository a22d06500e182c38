# expect: blocked
import typing
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(typing.TypeVar('T', bound='__import__("os")').__bound__.__forward_code__)
