# expect: blocked
from dataclasses import dataclass
from kraken_hooks import on

@dataclass
class Camera:
    format: str = ''

class Text(str, Camera):
    pass

@on()
def handle(msg):
    match str.__new__(Text, '{0.__class__}'):
        case Camera(f):
            return 'PWNED:' + f(msg)
