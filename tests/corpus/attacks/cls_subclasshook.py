# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        @classmethod
        def __subclasshook__(cls, c): return True
    return 'PWNED:' + str(issubclass(int, A))
