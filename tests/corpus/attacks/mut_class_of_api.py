# expect: blocked
from kraken_hooks import Msg
from kraken_hooks import on

@on()
def handle(msg):
    Msg.text = 'x'
    return 'PWNED:' + str(msg.text)
