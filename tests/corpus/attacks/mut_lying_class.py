# expect: blocked
import math
from kraken_hooks import on

class Lie:
    @property
    def __class__(self): return dict

@on()
def handle(msg):
    setattr(math, 'pi', 3)
    return 'PWNED'
