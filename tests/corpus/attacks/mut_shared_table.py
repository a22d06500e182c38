# expect: blocked
import textwrap
from kraken_hooks import on

@on()
def handle(msg):
    textwrap.TextWrapper.unicode_whitespace_trans[97] = 98
    return 'PWNED:' + str(textwrap.wrap('a'))
