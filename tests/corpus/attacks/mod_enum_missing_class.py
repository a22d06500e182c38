# expect: blocked
import enum
from kraken_hooks import on

class E(enum.Enum):
    A = 1
    @classmethod
    def _missing_(cls, value): return cls.__class__.__base__

@on()
def handle(msg):
    return 'PWNED:' + str(E(5))
