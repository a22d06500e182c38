# expect: blocked
from kraken_hooks import Msg
from kraken_hooks import on

@on()
def handle(msg):
    class M(Msg):
        def get(self): return self._message
    m = M(1)
    return 'PWNED:' + str(m.get())
