# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    def g():
        while True:
            try:
                while True:
                    yield 1
            except Exception:
                pass
    for x in g():
        pass
