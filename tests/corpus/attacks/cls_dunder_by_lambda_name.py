# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        __getattribute__ = lambda self, name: name
    return 'PWNED:' + A().x
