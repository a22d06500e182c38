# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    return A()
