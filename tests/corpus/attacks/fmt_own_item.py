# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class D(dict):
        def __getitem__(self, k): return msg
    return 'PWNED:' + str('{0[x].__class__.__init__}'.format(D()))
