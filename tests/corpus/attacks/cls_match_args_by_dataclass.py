# expect: blocked
from dataclasses import dataclass
from kraken_hooks import on

@on()
def handle(msg):
    @dataclass
    class S(str):
        format: int
    match str.__new__(S, '{0.__class__}'):
        case S(f):
            return 'PWNED:' + str(f(1))
