# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    class E(Exception):
        def __str__(self):
            while True:
                pass
    raise E
