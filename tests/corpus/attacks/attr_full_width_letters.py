# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    g = (x for x in [1])
    return 'PWNED:' + str(g.ｇi_frame)
