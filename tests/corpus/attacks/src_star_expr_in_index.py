# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    t = ([1],)
    t[0][*()] = 1
    return 'PWNED:' + str(t[0].__class__)
