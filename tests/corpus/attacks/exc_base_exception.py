# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    try:
        1 / 0
    except BaseException as e:
        return 'PWNED:' + str(e)
