# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __instancecheck__(s, x): return True
    return 'PWNED:' + str(isinstance(1, A()))
