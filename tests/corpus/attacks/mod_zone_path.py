# expect: blocked
from zoneinfo import ZoneInfo
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(ZoneInfo('../../etc/passwd'))
