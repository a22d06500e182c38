# expect: blocked
import dataclasses
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(dataclasses.make_dataclass('X', [('a', int)], namespace={'__del__': handle}))
