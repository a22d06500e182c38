# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def g():
        x = yield
        return x
    it = g()
    next(it)
    try: it.send(it)
    except StopIteration as e:
        return 'PWNED:' + str(e.value.gi_frame)
