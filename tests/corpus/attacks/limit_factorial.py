# expect: limit
import math
from kraken_hooks import on

@on()
def handle(msg):
    math.factorial(10 ** 7)
