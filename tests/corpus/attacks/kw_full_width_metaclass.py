# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A(ｍetaclass=type): pass
    return 'PWNED:' + str(A)
