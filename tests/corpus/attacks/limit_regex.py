# expect: limit
import re
from kraken_hooks import on

@on()
def handle(msg):
    re.match(r'(a+)+$', 'a' * 40 + 'b')
