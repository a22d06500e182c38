# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    class A:
        def __eq__(self, o):
            while True:
                pass
    A() in [A()]
