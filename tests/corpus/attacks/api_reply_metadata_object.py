# expect: blocked
from kraken_hooks import reply
from kraken_hooks import on

@on()
def handle(msg):
    return reply('PWNED:', metadata={'x': handle})
