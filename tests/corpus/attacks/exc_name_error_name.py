# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class E(NameError): pass
    try: undefined
    except NameError as e:
        return 'PWNED:' + str(e.__reduce_ex__(2))
