# expect: limit
from kraken_hooks import on

class S(str):
    pass

class I(int):
    pass

@on()
def handle(msg):
    return None

@on(collector=S('x'), payload={S('a'): [S('b'), I(3)]}, order=I(4))
def other(msg):
    return None
