# expect: blocked
from kraken_hooks import on

@on()
def handle(msg):
    class Meta:
        __match_args__ = ('gi_frame',)
    return 'PWNED:' + str(Meta.__match_args__)
