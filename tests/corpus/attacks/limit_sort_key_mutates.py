# expect: limit
from kraken_hooks import on

@on()
def handle(msg):
    many = list(range(1000))
    def key(value):
        many.append(value)
        while True: pass
    many.sort(key=key)
