# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    def g():
        try: yield
        except Exception as e: yield e.__traceback__
    it = g()
    next(it)
    return 'PWNED:' + str(it.throw(ValueError()))
