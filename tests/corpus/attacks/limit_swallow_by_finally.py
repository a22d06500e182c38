# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    def f():
        while True:
            try:
                while True:
                    pass
            finally:
                continue
    f()
