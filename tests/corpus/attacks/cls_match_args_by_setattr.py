# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A: pass
    setattr(A, '__match_args__', ('__class__',))
    match A():
        case A(k):
            return 'PWNED:' + str(k)
