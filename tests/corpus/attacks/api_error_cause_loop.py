# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    a, b = ValueError('a'), ValueError('b')
    try:
        try: raise a from b
        except ValueError: raise b from a
    except ValueError as e:
        raise a from e
