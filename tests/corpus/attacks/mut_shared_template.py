# expect: blocked
import string
from kraken_hooks import on

@on()
def handle(msg):
    string.Template.delimiter = '%'
    return 'PWNED:' + str(string.Template('%x').substitute(x=1))
