# expect: limit
from kraken_hooks import on, reply, state

class B(bytes):
    def __bytes__(self): return self

class I(int):
    def __int__(self): return self

@on()
def handle(msg):
    state.set('b', B(b'x'))
    state.set('i', I(5))
    return reply(B(b'x'), content_type='x')
