# expect: blocked
import string
from kraken_hooks import on

@on()
def handle(msg):
    class P:
        def sub(self, f, t): return f(self)
        def group(self, n): return n
    class T(string.Template):
        pass
    T.pattern = P()
    return 'PWNED:' + str(T('x').substitute(msg).__class__)
