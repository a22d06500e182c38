# expect: blocked
import string
from kraken_hooks import on

class T(string.Template):
    idpattern = '.*'
    pattern = '(?P<escaped>a)|(?P<named>b)|(?P<braced>c)|(?P<invalid>d)'

@on()
def handle(msg):
    string.Template.idpattern = 'x'
    return 'PWNED'
