# expect: blocked
import re
from kraken_hooks import on

@on()
def handle(msg):
    re.RegexFlag.X = 5
    return 'PWNED:' + str(re.RegexFlag.X)
