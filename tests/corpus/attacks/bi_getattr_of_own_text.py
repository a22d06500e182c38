# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class S(str):
        def startswith(self, x, *a): return False
        def __eq__(self, o): return False
        def __hash__(self): return 1
    return 'PWNED:' + str(getattr(msg, S('__class__')))
