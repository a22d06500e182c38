# expect: blocked
import types
from kraken_hooks import on

@on()
def handle(msg):
    @types.coroutine
    def f(): yield
    return 'PWNED:' + str(f().gi_frame)
