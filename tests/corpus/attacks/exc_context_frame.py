# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    try:
        try: 1 / 0
        except ZeroDivisionError: None.x
    except AttributeError as e:
        return 'PWNED:' + str(e.__context__.__traceback__.tb_frame)
