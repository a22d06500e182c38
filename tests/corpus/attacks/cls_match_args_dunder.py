# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        __match_args__ = ('__class__',)
    match A():
        case A(c):
            return 'PWNED:' + str(c)
