# expect: blocked
import zoneinfo
from kraken_hooks import on

@on()
def handle(msg):
    zoneinfo.ZoneInfo.clear_cache()
    return 'PWNED:' + str(1)
