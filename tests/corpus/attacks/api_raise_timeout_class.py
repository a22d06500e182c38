# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class C:
        def __enter__(self): return self
        def __exit__(self, k, v, t):
            self.k = k
            return True
    c = C()
    def g():
        with c:
            yield
    i = g()
    next(i)
    i.close()
    raise c.k('PWNED:')
