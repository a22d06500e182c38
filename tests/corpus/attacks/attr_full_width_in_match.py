# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    g = (x for x in [1])
    match g:
        case object(ｇi_frame=f):
            return 'PWNED:' + str(f)
