# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    class C:
        def __enter__(self): return self
        def __exit__(self, *e): return True
    while True:
        with C():
            while True:
                pass
