# expect: blocked
from kraken_hooks import Msg
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(object.__new__(Msg).id)
