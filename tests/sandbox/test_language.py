"""Wall 1 and 2, without processes: what ordinary Python gives, hooks get; what leads out is refused or fails."""

from __future__ import annotations

import re

import pytest

from kraken_hooks import testing
from kraken_hooks.sandbox import loader
from kraken_hooks.sandbox.loader import LoadError, explain, load

#: Bodies that compute `result`. The sandbox has to give what plain CPython gives.
ORDINARY = {
    "augmented": "x = [1, 2]; x += [3]; x[0] *= 9; d = {'a': 1}; d['a'] -= 5; d |= {'b': 2}; result = x, d",
    "augmented slice": "x = [1, 2, 3, 4]; x[1:3] = [9]; del x[0]; result = x",
    "augmented attribute": "class A:\n    n = 1\na = A()\na.n += 4\nA.n += 1\nresult = a.n, A.n",
    "private attribute": "class A:\n    def __init__(self): self._n = 1\n    def up(self): self._n += 1; return self._n\nresult = A().up()",
    "mangled attribute": "class A:\n    def __init__(self): self.__n = 3\n    def n(self): return self.__n\nresult = A().n()",
    "starred": "a, *b, c = range(6); [d, *e] = 'xyz'; result = a, b, c, d, e, [*b, *e], {**{'k': 1}, 'l': 2}",
    "nested unpacking": "(a, (b, *c)), d = (1, (2, 3, 4)), 5; result = a, b, c, d",
    "walrus": "result = [y for x in range(5) if (y := x * 2) > 3], y",
    "comprehensions": "result = {k: v for k, v in zip('ab', (1, 2))}, {x % 2 for x in range(5)}, sum(x for x in range(4))",
    "nested comprehension": "result = [[a * b for a in range(3)] for b in range(3)]",
    "closures": "def counter(n=1):\n    def up():\n        nonlocal n\n        n += 1\n        return n\n    return up\nc = counter(5); c()\nresult = c()",
    "global": "n = 0\ndef up():\n    global n\n    n += 1\nup(); up()\nresult = n",
    "decorator": "def twice(f):\n    def g(*a, **k): return f(*a, **k) * 2\n    return g\n@twice\ndef f(x, *, y=1): return x + y\nresult = f(1, y=2)",
    "parameters": "def f(a, /, b, *c, d=4, **e): return a, b, c, d, e\nresult = f(1, 2, 3, x=5)",
    "generators": "def g():\n    got = yield 1\n    yield from [2, 3]\n    return 4\nresult = list(g())",
    "property": "class T:\n    def __init__(self): self._c = 10\n    @property\n    def f(self): return self._c * 9 / 5 + 32\n    @f.setter\n    def f(self, v): self._c = (v - 32) * 5 / 9\nt = T(); t.f = 212\nresult = t.f, t._c",
    "class and static methods": "class A:\n    @classmethod\n    def c(cls): return cls.s()\n    @staticmethod\n    def s(): return 'x'\nresult = A.c()",
    "super": "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f() + 1\nresult = B().f()",
    "operators of a class": "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)\n    def __eq__(self, o): return self.x == o.x\n    def __lt__(self, o): return self.x < o.x\n    def __repr__(self): return f'V({self.x})'\nresult = repr(V(1) + V(2)), V(1) == V(1), sorted([V(3), V(1)])[0].x",
    "context manager": "log = []\nclass C:\n    def __enter__(self): log.append('in'); return self\n    def __exit__(self, *e): log.append('out'); return True\nwith C() as c:\n    1 / 0\nresult = log",
    "iterator": "class Up:\n    def __init__(self): self.n = 0\n    def __iter__(self): return self\n    def __next__(self):\n        self.n += 1\n        if self.n > 3: raise StopIteration\n        return self.n\nresult = list(Up())",
    "container": "class B:\n    def __init__(self): self.d = {}\n    def __setitem__(self, k, v): self.d[k] = v\n    def __getitem__(self, k): return self.d[k]\n    def __len__(self): return len(self.d)\n    def __contains__(self, k): return k in self.d\nb = B(); b['x'] = 1; b['x'] += 1\nresult = b['x'], len(b), 'x' in b",
    "try finally": "log = []\ntry:\n    try:\n        {}['a']\n    except KeyError as e:\n        log.append(str(e)); raise ValueError('v') from e\n    finally:\n        log.append('f')\nexcept ValueError as e:\n    log.append(type(e).__name__)\nelse:\n    log.append('no')\nresult = log",
    "bare except": "try:\n    1 / 0\nexcept:\n    result = 'caught'",
    "own exception": "class E(Exception):\n    def __init__(self, n): super().__init__(n); self.n = n\ntry:\n    raise E(4)\nexcept E as e:\n    result = e.n, e.args",
    "match": "def f(x):\n    match x:\n        case {'t': float(t), **rest} if t > 1: return 't', t, rest\n        case [1, *others]: return others\n        case 'a' | 'b': return 'ab'\n        case None: return 'none'\n        case int(n): return n\n        case _: return 'else'\nresult = [f(x) for x in ({'t': 2.5, 'u': 1}, [1, 2], 'b', None, 7, 1.5)]",
    "match own class": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\nmatch P(1, 2):\n    case P(1, y): result = y",
    "dataclass": "from dataclasses import asdict, dataclass, field, replace\n@dataclass(order=True)\nclass P:\n    x: int\n    tags: list = field(default_factory=list)\np = replace(P(1), x=3); p.tags.append(1)\nresult = repr(p).split('.')[-1], P(1) < P(2), asdict(p)",
    "frozen dataclass": "from dataclasses import dataclass, FrozenInstanceError\n@dataclass(frozen=True, slots=True)\nclass P:\n    x: int\ntry:\n    P(1).x = 2\nexcept FrozenInstanceError:\n    result = hash(P(1)) == hash(P(1))",
    "enum": "from enum import Enum, IntFlag, StrEnum, auto\nclass C(Enum):\n    RED = 1\n    BLUE = auto()\nclass S(StrEnum):\n    ON = 'on'\nclass F(IntFlag):\n    A = 1\n    B = 2\nresult = C(1).name, C['BLUE'].value, [c.name for c in C], S.ON == 'on', int(F.A | F.B)",
    "named tuples": "from collections import namedtuple\nfrom typing import NamedTuple\nP = namedtuple('P', 'x y', defaults=[7])\nclass Q(NamedTuple):\n    a: int\n    b: str = 'z'\n    def both(self): return f'{self.a}{self.b}'\nresult = P(1)._asdict(), P(1)._replace(x=5).x, Q(1).both(), Q._fields, P._make([1, 2]).y",
    "typed dict": "from typing import TypedDict, Optional\nclass R(TypedDict, total=False):\n    a: int\nr: R = {'a': 1}\nx: Optional[int] = None\nresult = r, x",
    "annotations": "from __future__ import annotations\nfrom typing import Any\ndef f(a: int, b: dict[str, Any] | None = None) -> list[int]:\n    c: float = 1.5\n    return [a, c]\nresult = f(1)",
    "formats": "import datetime\nresult = f'{3.14159:.2f} {7:>5} {255:#x} {\"a\"!r} {1_000_000:,} {datetime.date(2026, 1, 2):%d.%m.} {3:{5}}', '%s %05.1f %(a)s' % {'a': 1} if False else '%s %05.1f' % ('x', 2.25)",
    "str.format": "class P:\n    x = 4\nresult = '{} {0.real}'.replace('{} ', '').format(3), '{p.x} {l[0]} {d[k]}'.format(p=P(), l=[1], d={'k': 2}), '{:>4}|{:<4}'.format(1, 2), '{a}'.format_map({'a': 1}), ''.join(map('{:02x}'.format, b'ab'))",
    "lambda": "result = sorted([{'a': 2}, {'a': 1}], key=lambda d: d['a']), (lambda *a, k=3: (a, k))(1)",
    "slices": "x = list(range(10)); result = x[::2], x[-3:], x[::-1][:2], 'abc'[1:]",
    "chained comparison": "result = 1 < 2 <= 2 != 3, 1 < 3 > 2",
    "conditional": "result = [('even' if n % 2 == 0 else 'odd') for n in range(2)]",
    "while else": "n = 3\nwhile n:\n    n -= 1\nelse:\n    n = 'done'\nresult = n",
    "for else": "for i in range(3):\n    if i == 9: break\n    continue\nelse:\n    i = 'none'\nresult = i",
    "assert": "try:\n    assert 1 > 2, 'small'\nexcept AssertionError as e:\n    result = str(e)",
    "del": "a = {'x': 1, 'y': 2}; del a['x']; b = 1; del b\nclass C: pass\nc = C(); c.z = 1; del c.z\nresult = a, hasattr(c, 'z')",
    "getattr": "class C:\n    a = 1\nc = C(); setattr(c, 'b', 2); result = getattr(c, 'a'), getattr(c, 'b'), getattr(c, 'z', 0), hasattr([], 'append')",
    "bytes": "b = bytearray(b'abc'); b[0] = 65; b += b'd'; result = bytes(b), b.hex(), int.from_bytes(b'\\x01\\x02', 'big'), bytes.fromhex('ff')",
    "struct": "import struct\nresult = struct.unpack('<Hb', struct.pack('<Hb', 513, -1))",
    "json": "import json\nresult = json.loads('{\"a\": [1, 2.5, null]}'), json.dumps({'b': 1, 'a': 'é'}, sort_keys=True, ensure_ascii=False, indent=1)",
    "json with default": "import json, datetime\nresult = json.dumps({'d': datetime.date(2026, 1, 2)}, default=str), json.loads('1.5', parse_float=str)",
    "re": "import re\nm = re.match(r'(?P<k>\\w+)=(\\d+)', 'temp=25'); result = m['k'], m.group(2), m.groupdict(), m.span(), re.sub(r'\\d', lambda m: '#', 'a1b2'), re.compile('a+').findall('aaba')",
    "datetime": "from datetime import datetime, timedelta, timezone\nfrom zoneinfo import ZoneInfo\nt = datetime(2026, 7, 1, 12, tzinfo=timezone.utc); result = (t + timedelta(hours=1)).isoformat(), t.astimezone(ZoneInfo('Europe/Berlin')).hour, t.strftime('%Y %j')",
    "statistics": "import statistics, math\nresult = statistics.mean([1, 2, 4]), statistics.median([3, 1]), round(statistics.stdev([1, 2, 4]), 6), math.hypot(3, 4), math.isclose(1, 1 + 1e-12)",
    "decimal": "from decimal import ROUND_HALF_UP, Decimal, localcontext\nwith localcontext() as c:\n    c.prec = 4\n    a = Decimal(1) / 3\nresult = str(a), str(Decimal('2.675').quantize(Decimal('0.01'), ROUND_HALF_UP))",
    "fractions": "from fractions import Fraction\nresult = str(Fraction(1, 3) + Fraction('0.5'))",
    "collections": "from collections import Counter, defaultdict, deque, OrderedDict, ChainMap\nd = defaultdict(list); d['a'].append(1); q = deque([1, 2, 3], maxlen=2); q.append(9)\nc = Counter('hello'); c['l'] += 1\nresult = dict(d), list(q), c.most_common(1), ChainMap({'a': 1}, {'b': 2})['b']",
    "itertools": "from itertools import accumulate, chain, groupby, islice, pairwise, count, product\nresult = list(accumulate([1, 2, 3])), list(chain('a', 'b')), [(k, list(g)) for k, g in groupby('aab')], list(islice(count(3), 2)), list(pairwise('abc')), len(list(product('ab', repeat=2)))",
    "functools": "from functools import cache, cmp_to_key, lru_cache, partial, reduce, wraps\n@cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\ndef named(f):\n    @wraps(f)\n    def g(): return f()\n    return g\n@named\ndef hello(): return 1\nresult = fib(20), reduce(lambda a, b: a * b, [1, 2, 3]), partial(pow, 2)(5), hello.__name__, sorted([2, 1], key=cmp_to_key(lambda a, b: a - b))",
    "cached property": "from functools import cached_property\nclass C:\n    n = 0\n    @cached_property\n    def v(self):\n        self.n += 1\n        return self.n\nc = C(); result = c.v, c.v",
    "total ordering": "from functools import total_ordering\n@total_ordering\nclass V:\n    def __init__(self, n): self.n = n\n    def __eq__(self, o): return self.n == o.n\n    def __lt__(self, o): return self.n < o.n\nresult = V(1) <= V(2), V(3) > V(2)",
    "hashes": "import hashlib, hmac, base64, binascii\nresult = hashlib.sha256(b'a').hexdigest(), hmac.new(b'k', b'm', hashlib.sha256).hexdigest(), hmac.compare_digest('a', 'a'), base64.b64encode(b'hi'), binascii.crc32(b'x')",
    "urls": "from urllib.parse import parse_qs, quote, urlencode, urlparse\nu = urlparse('http://h:1/p?a=1#f'); result = u.netloc, u.port, parse_qs(u.query), quote('ä b'), urlencode({'a': 'b c'})",
    "strings": "import string, textwrap\nresult = string.Template('$a b').substitute(a=1), string.ascii_lowercase[:3], textwrap.dedent('  a\\n  b'), textwrap.shorten('hello world foo', 12), 'a-b'.partition('-'), 'x'.join('ab'), 'Ab'.swapcase()",
    "uuid": "import uuid\nresult = str(uuid.uuid5(uuid.NAMESPACE_DNS, 'a')), len(str(uuid.uuid4()))",
    "random": "import random\nr = random.Random(4); result = r.randint(1, 100), r.choice('abc')",
    "seeded random": "import random\nrandom.seed(7); result = random.random(), random.sample(range(9), 3)",
    "built-ins": "result = abs(-1), all([]), any([1]), bin(5), divmod(7, 2), list(enumerate('a', 1)), list(filter(None, [0, 1])), max(1, 2), min([3, 1]), pow(2, 5, 7), round(2.567, 1), list(reversed([1, 2])), sum([1, 2], 3), list(zip('ab', [1, 2])), ord('a'), chr(98), hash(1), callable(len), isinstance(True, int), issubclass(bool, int), oct(8), hex(255), ascii('é'), complex(1, 2), frozenset([1]), slice(1, 2), iter([1]) is not None, next(iter([5]))",
    "type of": "class A: pass\nresult = type(1) is int, type('').__name__, type(A()) is A, type(ValueError('x')).__name__",
    "abc protocols": "from collections.abc import Mapping, Sequence\nresult = isinstance({}, Mapping), isinstance([], Sequence), isinstance('', Sequence)",
    "generic class": "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Box(Generic[T]):\n    def __init__(self, v: T): self.v = v\nresult = Box[int](3).v",
    "call a method twice mangled": "class A:\n    __secret = 2\n    def f(self): return self.__secret + A.__secret\nresult = A().f()",
    "big loop": "n = 0\nfor i in range(1000):\n    n += i if i % 3 else -i\nresult = n",
    "unicode names": "größe = 3; result = größe + 1",
    "underscore": "_, b = 1, 2\nfor _ in range(2): pass\nresult = b, _",
    "mutable default": "def f(x, seen=[]):\n    seen.append(x); return seen\nf(1)\nresult = f(2)",
    "try in loop": "out = []\nfor v in ('1', 'x', '3'):\n    try:\n        out.append(int(v))\n    except ValueError:\n        continue\n    finally:\n        out.append('f')\nresult = out",
    "class in function": "def make(n):\n    class A:\n        v = n\n        def get(self): return self.v + n\n    return A()\nresult = make(3).get()",
    "multiple inheritance": "class A:\n    def f(self): return ['A']\nclass B(A):\n    def f(self): return ['B'] + super().f()\nclass C(A):\n    def f(self): return ['C'] + super().f()\nclass D(B, C): pass\nresult = D().f()",
    "callable object": "class Add:\n    def __init__(self, n): self.n = n\n    def __call__(self, x): return x + self.n\nresult = list(map(Add(2), [1, 2]))",
    "slots": "class S:\n    __slots__ = ('a',)\n    def __init__(self): self.a = 1\ns = S(); s.a += 1\nresult = s.a, hasattr(s, 'b')",
    "complex slices": "class G:\n    def __getitem__(self, k): return k\nresult = G()[1:2, ..., 3]",
    "user dict": "from collections import UserDict\nclass D(UserDict):\n    def __missing__(self, k): return k * 2\nd = D(a=1); d['b'] = 2\nresult = d['a'], d['z'], len(d)",
    "subclass of dict": "class D(dict):\n    def total(self): return sum(self.values())\nd = D(a=1); d['b'] = 5; d.update(c=1)\nresult = d.total()",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


HOOK = "from kraken_hooks import on\n{body}\n@on()\ndef hook(msg):\n    return repr(result)\n"


def within(body: str) -> str:
    """`result` of a body that runs in the sandbox, at the top level of a hook file, as text."""
    future, rest = (
        ("from __future__ import annotations\n", body.split("\n", 1)[1]) if "__future__" in body[:20] else ("", body)
    )
    loaded = load(future.encode() + HOOK.format(body=rest).encode(), "case.py")
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    assert outcome.error is None, outcome.error
    return outcome.reply.payload.decode()


def in_cpython(body: str) -> str:
    names = {"__name__": "hooks.case"}
    exec(compile(body, "case.py", "exec", dont_inherit=True), names)  # what it is compared with
    return repr(names["result"])


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_python_gives_what_cpython_gives(name):
    assert within(ORDINARY[name]) == in_cpython(ORDINARY[name])


def test_inside_a_function_too():
    for name, body in ORDINARY.items():
        if "global " in body or "__future__" in body:
            continue
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        wrapped = f"def compute():\n{lines}    return result\nresult = compute()"
        assert within(wrapped) == in_cpython(wrapped), name


#: Refused when the file is loaded: source, and a part of what is said about it.
REFUSED = {
    "import of os": ("import os", "the module os cannot be imported"),
    "import of a part": ("from os import path", "the module os cannot be imported"),
    "a name that is not listed": ("from json import decoder", "json has no decoder for hooks"),
    "everything": ("from math import *", "import \\*"),
    "relative": ("from . import x", "relative import"),
    "the sandbox": ("import kraken_hooks.sandbox", "cannot be imported"),
    "the settings": ("from kraken_hooks import settings", "kraken_hooks has no settings"),
    "dunder attribute": ("().__class__", "__class__"),
    "dunder attribute to write": ("def f(): pass\nf.__code__ = 1", "__code__"),
    "dunder attribute in place": ("def f(): pass\nf.__name__ += 'x'", "__name__"),
    "dunder name": ("__builtins__", "__builtins__"),
    "dunder variable": ("__x = 1", "__x"),
    "dunder by walrus": ("(__x := 1)", "__x"),
    "dunder by for": ("for __x in []: pass", "__x"),
    "dunder by with": ("class C: pass\nwith C() as __x: pass", "__x"),
    "dunder by except": ("try: pass\nexcept ValueError as __x: pass", "__x"),
    "dunder by import": ("import json as __x", "__x"),
    "dunder by match": ("match 1:\n    case __x: pass", "__x"),
    "dunder by match star": ("match []:\n    case [*__x]: pass", "__x"),
    "dunder by match rest": ("match {}:\n    case {**__x}: pass", "__x"),
    "dunder by argument": ("def f(__x): pass", "__x"),
    "dunder by lambda": ("lambda __x: 1", "__x"),
    "dunder by comprehension": ("[1 for __x in []]", "__x"),
    "dunder by global": ("def f():\n    global __x", "__x"),
    "dunder by function": ("def __f(): pass", "__f"),
    "dunder by class": ("class __C: pass", "__C"),
    "a guard's name": ("_getattr_ = getattr", "_getattr_"),
    "a guard's name by def": ("def _write_(x): return x", "_write_"),
    "a guard's name by class body": ("class A:\n    _write_ = 1", "_write_"),
    "super replaced": ("super = 1", "super"),
    "method that Python calls": ("class A:\n    def __getattr__(self, n): pass", "__getattr__"),
    "del method": ("class A:\n    def __del__(self): pass", "__del__"),
    "metaclass": ("class A(metaclass=type): pass", "metaclass"),
    "class keywords": ("class A(**{}): pass", "class definition"),
    "frame": ("(x for x in []).gi_frame", "gi_frame"),
    "frame of a traceback": ("try: 1/0\nexcept Exception as e: e.tb_frame", "tb_frame"),
    "traceback": ("try: 1/0\nexcept Exception as e: e.__traceback__", "__traceback__"),
    "matched dunder": ("match 1:\n    case int(__class__=c): pass", "__class__"),
    "matched private": ("match 1:\n    case int(_x=c): pass", "_x"),
    "match args": ("class A:\n    __match_args__ = ('__class__',)", "__match_args__"),
    "slots computed": ("class A:\n    __slots__ = ['__' + 'class__']", "__slots__"),
    "async": ("async def f(): pass", "async def"),
    "await": ("async def f():\n    await f()", "async"),
    "except star": ("try: pass\nexcept* ValueError: pass", "except\\*"),
    "open": ("open('x')", "open is not for hooks"),
    "eval": ("eval('1')", "eval is not for hooks"),
    "exec": ("exec('1')", "exec is not for hooks"),
    "globals": ("globals()", "globals is not for hooks"),
    "vars": ("vars()", "vars is not for hooks"),
    "memoryview": ("memoryview(b'')", "memoryview is not for hooks"),
    "BaseException": ("try: pass\nexcept BaseException: pass", "BaseException is not for hooks"),
    "a field with an underscore": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    __class__: int", "__class__"),
    "syntax": ("def f(:", "invalid syntax"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_load_with_its_place(name):
    source, told = REFUSED[name]
    with pytest.raises(LoadError) as caught:
        load(source.encode(), "case.py")
    problem = next(one for one in caught.value.problems if one.severity == "error")
    assert problem.line > 0
    assert problem.column > 0
    assert re.search(told, " ".join(f"{one.message} {one.hint}" for one in caught.value.problems))


#: Loaded, but fails at the line that reaches out: source of an expression or statements, with what the error says.
STOPPED = {
    "format": ("'{0.__class__}'.format(1)", "__class__"),
    "format in a spec": ("'{0:{1.__class__}}'.format(1, 2)", "__class__"),
    "format through str": ("str.format('{0.__class__}', 1)", "__class__"),
    "format through getattr": ("getattr('{0.__class__}', 'format')(1)", "__class__"),
    "format through map": ("list(map('{0.__class__}'.format, [1]))", "__class__"),
    "format of a subclass": ("class S(str): pass\nS('{0.__class__}').format(1)", "__class__"),
    "format by super": ("class S(str):\n    def f(self): return super().format(1)\nS('{0.__class__}').f()", "__class__"),
    "format_map": ("'{a.__class__}'.format_map({'a': 1})", "__class__"),
    "getattr": ("getattr(1, '__class__')", "__class__"),
    "getattr with a str of its own": ("class S(str): pass\ngetattr(1, S('__class__'))", "must be text"),
    "hasattr": ("hasattr(1, '__class__')", "__class__"),
    "setattr on a function": ("def f(): pass\nsetattr(f, 'x', 1)", "cannot change"),
    "write to a function": ("def f(): pass\nf.x = 1", "cannot change"),
    "write to a module": ("import json\njson.x = 1", "cannot change"),
    "write to a built-in class": ("int.x = 1", "cannot change"),
    "write by for": ("import json\nfor json.x in [1]: pass", "cannot change"),
    "write by unpacking": ("import json\n(a, json.x) = 1, 2", "cannot change"),
    "write by with": ("import json\nclass C:\n    def __enter__(self): return 1\n    def __exit__(self, *e): pass\nwith C() as json.x: pass", "cannot change"),
    "write in place": ("import math\nmath.pi += 1", "cannot change"),
    "delete from a module": ("import math\ndel math.pi", "cannot change"),
    "private of another": ("import random\nrandom.Random()._randbelow", "not for hooks"),
    "private of an enum": ("from enum import Enum\nclass C(Enum):\n    A = 1\nC._member_map_", "_member_map_"),
    "mro": ("int.mro()", "mro"),
    "register": ("from collections.abc import Mapping\nMapping.register(int)", "register"),
    "with_traceback": ("ValueError('x').with_traceback(None)", "with_traceback"),
    "type of three": ("type('X', (), {})", "argument"),
    "type of a function": ("type(lambda: 1)", "not for hooks"),
    "namedtuple field": ("from collections import namedtuple\nnamedtuple('P', '__class__')", ""),
    "NamedTuple field": ("from typing import NamedTuple\nNamedTuple('P', [('format', int)])", "format"),
    "enum member": ("from enum import Enum\nEnum('E', {'__del__': 1})", "__del__"),
    "json cls": ("import json\njson.dumps(1, cls=int)", "cls"),
    "hmac with a callable": ("import hmac\nhmac.new(b'', b'', lambda *a: 1)", "digest"),
    "import by name": ("import collections\ncollections.abc.sys", "no sys"),
    "dataclass of a foreign class": ("from dataclasses import dataclass\ndataclass(int)", "class of the hook file"),
    "exception obj": ("try:\n    [].x\nexcept AttributeError as e:\n    e.obj", "obj"),
    "string formatter": ("import string\nstring.Formatter", "no Formatter"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_stopped_at_the_line_that_reaches_out(name):
    body, told = STOPPED[name]
    assert told in objection(body)


def objection(body: str) -> str:
    """What is said about statements that have to be refused, or to fail when they run."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"from kraken_hooks import on\n@on()\ndef hook(msg):\n{lines}    return 'PWNED'\n"
    try:
        loaded = load(source.encode(), "case.py")
    except LoadError as error:
        return "; ".join(one.message for one in error.problems)
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    assert outcome.error is not None, "it got through"
    return outcome.error.message


class TestEachFileAlone:
    def test_random_numbers_are_its_own(self):
        def numbers(source: str) -> str:
            return within(source)

        seeded = "import random\nrandom.seed(1); result = random.random()"
        first = numbers(seeded)
        load(HOOK.format(body="import random\nrandom.seed(99); result = 0").encode(), "other.py")
        assert numbers(seeded) == first
        assert numbers("import random\nresult = random.random()") != first

    def test_names_of_one_file_are_not_seen_by_another(self):
        load(HOOK.format(body="shared = 1; result = 0").encode(), "other.py")
        with pytest.raises(LoadError, match=r"."):
            load(HOOK.format(body="result = shared").encode(), "case.py")


class TestExplain:
    def test_shows_lines_of_the_hook_file_alone(self):
        source = b"from kraken_hooks import on\ndef inner(x):\n    return 1 / x\n@on()\ndef hook(msg):\n    return inner(0)\n"
        function = load(source, "case.py").hooks[0].function
        with pytest.raises(ZeroDivisionError) as caught:
            function(testing.message())
        told = explain(caught.value, "case.py")
        assert (told.type, told.line) == ("ZeroDivisionError", 3)
        assert told.traceback == (
            'Traceback (most recent call last):\n  File "case.py", line 6, in hook\n    return inner(0)\n'
            '  File "case.py", line 3, in inner\n    return 1 / x\nZeroDivisionError: division by zero'
        )

    def test_an_error_whose_text_fails(self):
        source = b"from kraken_hooks import on\nclass E(Exception):\n    def __str__(self): return 1 / 0\n@on()\ndef hook(msg):\n    raise E\n"
        function = load(source, "case.py").hooks[0].function
        with pytest.raises(Exception) as caught:  # of a class that the hook file makes
            function(testing.message())
        assert "cannot be made: ZeroDivisionError" in explain(caught.value, "case.py").message
