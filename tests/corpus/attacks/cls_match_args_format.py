# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str):
        __match_args__ = ('format',)
    match S('{0.__class__}'):
        case S(f):
            return 'PWNED:' + str(f(1))
