# expect: blocked
import re
from kraken_hooks import on

@on()
def handle(msg):
    return 'PWNED:' + str(re.Scanner([('a', handle)]))
