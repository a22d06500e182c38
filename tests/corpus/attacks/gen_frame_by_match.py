# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    g = (x for x in [1])
    match g:
        case object(gi_frame=frame):
            return 'PWNED:' + str(frame.f_back.f_globals)
