# expect: blocked
import random
from kraken_hooks import on

@on()
def handle(msg):
    class R(random.Random):
        def f(self): return super()._randbelow
    return 'PWNED:' + str(R().f())
