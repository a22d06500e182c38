# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    try:
        1 / 0
    except Exception as e:
        return 'PWNED:' + str(e.__traceback__)
