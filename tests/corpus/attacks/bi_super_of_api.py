# expect: blocked
from kraken_hooks import Msg
from kraken_hooks import on

@on()
def handle(msg):
    class M(Msg):
        def f(self): return super().__class__
    return 'PWNED:' + str(M(1).f())
