# --- augmented
x = [1, 2]; x += [3]; x[0] *= 9; d = {'a': 1}; d['a'] -= 5; d |= {'b': 2}; result = x, d

# --- augmented slice
x = [1, 2, 3, 4]; x[1:3] = [9]; del x[0]; result = x

# --- augmented attribute
class A:
    n = 1
a = A()
a.n += 4
A.n += 1
result = a.n, A.n

# --- private attribute
class A:
    def __init__(self): self._n = 1
    def up(self): self._n += 1; return self._n
result = A().up()

# --- mangled attribute
class A:
    def __init__(self): self.__n = 3
    def n(self): return self.__n
result = A().n()

# --- starred
a, *b, c = range(6); [d, *e] = 'xyz'; result = a, b, c, d, e, [*b, *e], {**{'k': 1}, 'l': 2}

# --- nested unpacking
(a, (b, *c)), d = (1, (2, 3, 4)), 5; result = a, b, c, d

# --- walrus
result = [y for x in range(5) if (y := x * 2) > 3], y

# --- comprehensions
result = {k: v for k, v in zip('ab', (1, 2))}, {x % 2 for x in range(5)}, sum(x for x in range(4))

# --- nested comprehension
result = [[a * b for a in range(3)] for b in range(3)]

# --- closures
def counter(n=1):
    def up():
        nonlocal n
        n += 1
        return n
    return up
c = counter(5); c()
result = c()

# --- global
n = 0
def up():
    global n
    n += 1
up(); up()
result = n

# --- decorator
def twice(f):
    def g(*a, **k): return f(*a, **k) * 2
    return g
@twice
def f(x, *, y=1): return x + y
result = f(1, y=2)

# --- parameters
def f(a, /, b, *c, d=4, **e): return a, b, c, d, e
result = f(1, 2, 3, x=5)

# --- generators
def g():
    got = yield 1
    yield from [2, 3]
    return 4
result = list(g())

# --- property
class T:
    def __init__(self): self._c = 10
    @property
    def f(self): return self._c * 9 / 5 + 32
    @f.setter
    def f(self, v): self._c = (v - 32) * 5 / 9
t = T(); t.f = 212
result = t.f, t._c

# --- class and static methods
class A:
    @classmethod
    def c(cls): return cls.s()
    @staticmethod
    def s(): return 'x'
result = A.c()

# --- super
class A:
    def f(self): return 1
class B(A):
    def f(self): return super().f() + 1
result = B().f()

# --- operators of a class
class V:
    def __init__(self, x): self.x = x
    def __add__(self, o): return V(self.x + o.x)
    def __eq__(self, o): return self.x == o.x
    def __lt__(self, o): return self.x < o.x
    def __repr__(self): return f'V({self.x})'
result = repr(V(1) + V(2)), V(1) == V(1), sorted([V(3), V(1)])[0].x

# --- context manager
log = []
class C:
    def __enter__(self): log.append('in'); return self
    def __exit__(self, *e): log.append('out'); return True
with C() as c:
    1 / 0
result = log

# --- iterator
class Up:
    def __init__(self): self.n = 0
    def __iter__(self): return self
    def __next__(self):
        self.n += 1
        if self.n > 3: raise StopIteration
        return self.n
result = list(Up())

# --- container
class B:
    def __init__(self): self.d = {}
    def __setitem__(self, k, v): self.d[k] = v
    def __getitem__(self, k): return self.d[k]
    def __len__(self): return len(self.d)
    def __contains__(self, k): return k in self.d
b = B(); b['x'] = 1; b['x'] += 1
result = b['x'], len(b), 'x' in b

# --- try finally
log = []
try:
    try:
        {}['a']
    except KeyError as e:
        log.append(str(e)); raise ValueError('v') from e
    finally:
        log.append('f')
except ValueError as e:
    log.append(type(e).__name__)
else:
    log.append('no')
result = log

# --- bare except
try:
    1 / 0
except:
    result = 'caught'

# --- own exception
class E(Exception):
    def __init__(self, n): super().__init__(n); self.n = n
try:
    raise E(4)
except E as e:
    result = e.n, e.args

# --- match
def f(x):
    match x:
        case {'t': float(t), **rest} if t > 1: return 't', t, rest
        case [1, *others]: return others
        case 'a' | 'b': return 'ab'
        case None: return 'none'
        case int(n): return n
        case _: return 'else'
result = [f(x) for x in ({'t': 2.5, 'u': 1}, [1, 2], 'b', None, 7, 1.5)]

# --- match own class
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int = 0
match P(1, 2):
    case P(1, y): result = y

# --- dataclass
from dataclasses import asdict, dataclass, field, replace
@dataclass(order=True)
class P:
    x: int
    tags: list = field(default_factory=list)
p = replace(P(1), x=3); p.tags.append(1)
result = repr(p).split('.')[-1], P(1) < P(2), asdict(p)

# --- frozen dataclass
from dataclasses import dataclass, FrozenInstanceError
@dataclass(frozen=True, slots=True)
class P:
    x: int
try:
    P(1).x = 2
except FrozenInstanceError:
    result = hash(P(1)) == hash(P(1))

# --- enum
from enum import Enum, IntFlag, StrEnum, auto
class C(Enum):
    RED = 1
    BLUE = auto()
class S(StrEnum):
    ON = 'on'
class F(IntFlag):
    A = 1
    B = 2
result = C(1).name, C['BLUE'].value, [c.name for c in C], S.ON == 'on', int(F.A | F.B)

# --- named tuples
from collections import namedtuple
from typing import NamedTuple
P = namedtuple('P', 'x y', defaults=[7])
class Q(NamedTuple):
    a: int
    b: str = 'z'
    def both(self): return f'{self.a}{self.b}'
result = P(1)._asdict(), P(1)._replace(x=5).x, Q(1).both(), Q._fields, P._make([1, 2]).y

# --- typed dict
from typing import TypedDict, Optional
class R(TypedDict, total=False):
    a: int
r: R = {'a': 1}
x: Optional[int] = None
result = r, x

# --- annotations
from __future__ import annotations
from typing import Any
def f(a: int, b: dict[str, Any] | None = None) -> list[int]:
    c: float = 1.5
    return [a, c]
result = f(1)

# --- formats
import datetime
result = f'{3.14159:.2f} {7:>5} {255:#x} {"a"!r} {1_000_000:,} {datetime.date(2026, 1, 2):%d.%m.} {3:{5}}', '%s %05.1f %(a)s' % {'a': 1} if False else '%s %05.1f' % ('x', 2.25)

# --- str.format
class P:
    x = 4
result = '{} {0.real}'.replace('{} ', '').format(3), '{p.x} {l[0]} {d[k]}'.format(p=P(), l=[1], d={'k': 2}), '{:>4}|{:<4}'.format(1, 2), '{a}'.format_map({'a': 1}), ''.join(map('{:02x}'.format, b'ab'))

# --- lambda
result = sorted([{'a': 2}, {'a': 1}], key=lambda d: d['a']), (lambda *a, k=3: (a, k))(1)

# --- slices
x = list(range(10)); result = x[::2], x[-3:], x[::-1][:2], 'abc'[1:]

# --- chained comparison
result = 1 < 2 <= 2 != 3, 1 < 3 > 2

# --- conditional
result = [('even' if n % 2 == 0 else 'odd') for n in range(2)]

# --- while else
n = 3
while n:
    n -= 1
else:
    n = 'done'
result = n

# --- for else
for i in range(3):
    if i == 9: break
    continue
else:
    i = 'none'
result = i

# --- assert
try:
    assert 1 > 2, 'small'
except AssertionError as e:
    result = str(e)

# --- del
a = {'x': 1, 'y': 2}; del a['x']; b = 1; del b
class C: pass
c = C(); c.z = 1; del c.z
result = a, hasattr(c, 'z')

# --- getattr
class C:
    a = 1
c = C(); setattr(c, 'b', 2); result = getattr(c, 'a'), getattr(c, 'b'), getattr(c, 'z', 0), hasattr([], 'append')

# --- bytes
b = bytearray(b'abc'); b[0] = 65; b += b'd'; result = bytes(b), b.hex(), int.from_bytes(b'\x01\x02', 'big'), bytes.fromhex('ff')

# --- struct
import struct
result = struct.unpack('<Hb', struct.pack('<Hb', 513, -1))

# --- json
import json
result = json.loads('{"a": [1, 2.5, null]}'), json.dumps({'b': 1, 'a': 'é'}, sort_keys=True, ensure_ascii=False, indent=1)

# --- json with default
import json, datetime
result = json.dumps({'d': datetime.date(2026, 1, 2)}, default=str), json.loads('1.5', parse_float=str)

# --- re
import re
m = re.match(r'(?P<k>\w+)=(\d+)', 'temp=25'); result = m['k'], m.group(2), m.groupdict(), m.span(), re.sub(r'\d', lambda m: '#', 'a1b2'), re.compile('a+').findall('aaba')

# --- datetime
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
t = datetime(2026, 7, 1, 12, tzinfo=timezone.utc); result = (t + timedelta(hours=1)).isoformat(), t.astimezone(ZoneInfo('Europe/Berlin')).hour, t.strftime('%Y %j')

# --- statistics
import statistics, math
result = statistics.mean([1, 2, 4]), statistics.median([3, 1]), round(statistics.stdev([1, 2, 4]), 6), math.hypot(3, 4), math.isclose(1, 1 + 1e-12)

# --- decimal
from decimal import ROUND_HALF_UP, Decimal, localcontext
with localcontext() as c:
    c.prec = 4
    a = Decimal(1) / 3
result = str(a), str(Decimal('2.675').quantize(Decimal('0.01'), ROUND_HALF_UP))

# --- fractions
from fractions import Fraction
result = str(Fraction(1, 3) + Fraction('0.5'))

# --- collections
from collections import Counter, defaultdict, deque, OrderedDict, ChainMap
d = defaultdict(list); d['a'].append(1); q = deque([1, 2, 3], maxlen=2); q.append(9)
c = Counter('hello'); c['l'] += 1
result = dict(d), list(q), c.most_common(1), ChainMap({'a': 1}, {'b': 2})['b']

# --- itertools
from itertools import accumulate, chain, groupby, islice, pairwise, count, product
result = list(accumulate([1, 2, 3])), list(chain('a', 'b')), [(k, list(g)) for k, g in groupby('aab')], list(islice(count(3), 2)), list(pairwise('abc')), len(list(product('ab', repeat=2)))

# --- functools
from functools import cache, cmp_to_key, lru_cache, partial, reduce, wraps
@cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def named(f):
    @wraps(f)
    def g(): return f()
    return g
@named
def hello(): return 1
result = fib(20), reduce(lambda a, b: a * b, [1, 2, 3]), partial(pow, 2)(5), hello.__name__, sorted([2, 1], key=cmp_to_key(lambda a, b: a - b))

# --- cached property
from functools import cached_property
class C:
    n = 0
    @cached_property
    def v(self):
        self.n += 1
        return self.n
c = C(); result = c.v, c.v

# --- total ordering
from functools import total_ordering
@total_ordering
class V:
    def __init__(self, n): self.n = n
    def __eq__(self, o): return self.n == o.n
    def __lt__(self, o): return self.n < o.n
result = V(1) <= V(2), V(3) > V(2)

# --- hashes
import hashlib, hmac, base64, binascii
result = hashlib.sha256(b'a').hexdigest(), hmac.new(b'k', b'm', hashlib.sha256).hexdigest(), hmac.compare_digest('a', 'a'), base64.b64encode(b'hi'), binascii.crc32(b'x')

# --- urls
from urllib.parse import parse_qs, quote, urlencode, urlparse
u = urlparse('http://h:1/p?a=1#f'); result = u.netloc, u.port, parse_qs(u.query), quote('ä b'), urlencode({'a': 'b c'})

# --- strings
import string, textwrap
result = string.Template('$a b').substitute(a=1), string.ascii_lowercase[:3], textwrap.dedent('  a\n  b'), textwrap.shorten('hello world foo', 12), 'a-b'.partition('-'), 'x'.join('ab'), 'Ab'.swapcase()

# --- uuid
import uuid
result = str(uuid.uuid5(uuid.NAMESPACE_DNS, 'a')), len(str(uuid.uuid4()))

# --- random
import random
r = random.Random(4); result = r.randint(1, 100), r.choice('abc')

# --- seeded random
import random
random.seed(7); result = random.random(), random.sample(range(9), 3)

# --- built-ins
result = abs(-1), all([]), any([1]), bin(5), divmod(7, 2), list(enumerate('a', 1)), list(filter(None, [0, 1])), max(1, 2), min([3, 1]), pow(2, 5, 7), round(2.567, 1), list(reversed([1, 2])), sum([1, 2], 3), list(zip('ab', [1, 2])), ord('a'), chr(98), hash(1), callable(len), isinstance(True, int), issubclass(bool, int), oct(8), hex(255), ascii('é'), complex(1, 2), frozenset([1]), slice(1, 2), iter([1]) is not None, next(iter([5]))

# --- type of
class A: pass
result = type(1) is int, type('').__name__, type(A()) is A, type(ValueError('x')).__name__

# --- abc protocols
from collections.abc import Mapping, Sequence
result = isinstance({}, Mapping), isinstance([], Sequence), isinstance('', Sequence)

# --- generic class
from typing import Generic, TypeVar
T = TypeVar('T')
class Box(Generic[T]):
    def __init__(self, v: T): self.v = v
result = Box[int](3).v

# --- call a method twice mangled
class A:
    __secret = 2
    def f(self): return self.__secret + A.__secret
result = A().f()

# --- big loop
n = 0
for i in range(1000):
    n += i if i % 3 else -i
result = n

# --- unicode names
größe = 3; result = größe + 1

# --- underscore
_, b = 1, 2
for _ in range(2): pass
result = b, _

# --- mutable default
def f(x, seen=[]):
    seen.append(x); return seen
f(1)
result = f(2)

# --- try in loop
out = []
for v in ('1', 'x', '3'):
    try:
        out.append(int(v))
    except ValueError:
        continue
    finally:
        out.append('f')
result = out

# --- class in function
def make(n):
    class A:
        v = n
        def get(self): return self.v + n
    return A()
result = make(3).get()

# --- multiple inheritance
class A:
    def f(self): return ['A']
class B(A):
    def f(self): return ['B'] + super().f()
class C(A):
    def f(self): return ['C'] + super().f()
class D(B, C): pass
result = D().f()

# --- callable object
class Add:
    def __init__(self, n): self.n = n
    def __call__(self, x): return x + self.n
result = list(map(Add(2), [1, 2]))

# --- slots
class S:
    __slots__ = ('a',)
    def __init__(self): self.a = 1
s = S(); s.a += 1
result = s.a, hasattr(s, 'b')

# --- complex slices
class G:
    def __getitem__(self, k): return k
result = G()[1:2, ..., 3]

# --- user dict
from collections import UserDict
class D(UserDict):
    def __missing__(self, k): return k * 2
d = D(a=1); d['b'] = 2
result = d['a'], d['z'], len(d)

# --- subclass of dict
class D(dict):
    def total(self): return sum(self.values())
d = D(a=1); d['b'] = 5; d.update(c=1)
result = d.total()
