# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    while True:
        try:
            while True:
                pass
        except:
            pass
