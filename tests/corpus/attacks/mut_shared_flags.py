# expect: blocked
import re
from kraken_hooks import on

@on()
def handle(msg):
    re.RegexFlag(1 << 40)
    return 'PWNED:' + str(re.RegexFlag(1 << 40))
