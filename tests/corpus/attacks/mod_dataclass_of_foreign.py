# expect: blocked
import dataclasses
from kraken_hooks import Msg
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(dataclasses.dataclass(Msg))
