# expect: blocked
import dataclasses
from kraken_hooks import on

@dataclasses.dataclass
class D:
    a: int = 1

@on()
def handle(msg):
    return 'PWNED:' + str(dataclasses.replace(D(), __class__=dict))
