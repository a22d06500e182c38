# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class E(Exception): pass
    E.__name__ = 'x' * 10**6
    return 'PWNED'
