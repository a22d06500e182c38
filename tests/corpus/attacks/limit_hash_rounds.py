# expect: limit
import hashlib
from kraken_hooks import on

@on()
def handle(msg):
    hashlib.pbkdf2_hmac('sha256', b'p', b's', 2 ** 31 - 1)
