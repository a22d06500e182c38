# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class C:
        def __enter__(self): return self
        def __exit__(self, k, v, tb):
            self.tb = tb
            return True
    c = C()
    with c:
        1 / 0
    return 'PWNED:' + str(c.tb.tb_frame.f_globals)
