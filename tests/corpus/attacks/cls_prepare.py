# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __prepare__(*a): return {}
    return 'PWNED:' + str(A)
