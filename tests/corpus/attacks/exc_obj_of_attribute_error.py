# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    try:
        msg.nothing
    except AttributeError as e:
        return 'PWNED:' + str(e.obj)
