# expect: blocked
import dataclasses
from kraken_hooks import on

@dataclasses.dataclass
class D:
    a: int = dataclasses.field(default_factory=list)

@on()
def handle(msg):
    f = dataclasses.fields(D)[0]
    f.name = '__class__'
    return 'PWNED:' + str(dataclasses.asdict(D()))
