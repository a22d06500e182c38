# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __init__(self): pass
    return 'PWNED:' + str(A.__init__.__globals__)
