# expect: blocked
import enum
from kraken_hooks import on

class E(enum.Enum):
    def _generate_next_value_(name, start, count, last): return last.__class__.__mro__
    A = enum.auto()

@on()
def handle(msg):
    return 'PWNED:' + str(E.A.value)
