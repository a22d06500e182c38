# expect: blocked
from urllib.parse import urlsplit
from kraken_hooks import on

@on()
def handle(msg):
    urlsplit.cache_clear()
    return 'PWNED:' + str(1)
