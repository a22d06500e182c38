# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class E(Exception):
        def __init__(self): self.__traceback__ = None
    try:
        raise E
    except E as e:
        return 'PWNED:' + str(getattr(e, '__traceback__'))
