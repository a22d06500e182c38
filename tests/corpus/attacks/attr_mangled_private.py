# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class Msg_:
        def f(self, m): return m.__message
    return 'PWNED:' + str(Msg_().f(msg))
