# expect: limit
import json
from kraken_hooks import on

@on()
def handle(msg):
    json.loads('[' * 10 ** 6)
