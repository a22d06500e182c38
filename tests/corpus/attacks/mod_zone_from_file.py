# expect: blocked
from zoneinfo import ZoneInfo
from kraken_hooks import on

@on()
def handle(msg):
    class F:
        def read(self, *a): return b''
    return 'PWNED:' + str(ZoneInfo.from_file(F()))
