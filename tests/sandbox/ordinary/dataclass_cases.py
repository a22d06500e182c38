# --- plain
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: float = 0.5
p = P(1)
p.x += 4
p.y = 2
result = repr(p), p == P(5, 2), p != P(1), P(x=1, y=2).y

# --- default factory
from dataclasses import dataclass, field
@dataclass
class Log:
    lines: list[str] = field(default_factory=list)
    meta: dict = field(default_factory=dict, repr=False, compare=False)
a, b = Log(), Log()
a.lines.append("x")
a.meta["k"] = 1
result = a, b, a == Log(["x"]), a.meta

# --- mutable default refused
from dataclasses import dataclass
@dataclass
class A:
    x: list = []

# --- order
from dataclasses import dataclass
@dataclass(order=True)
class V:
    major: int
    minor: int = 0
result = V(1) < V(1, 2), sorted([V(2), V(1, 5)]), max(V(1), V(3)), V(1) >= V(1)

# --- frozen
from dataclasses import FrozenInstanceError, dataclass
@dataclass(frozen=True)
class P:
    x: int
p = P(1)
try:
    p.x = 2
except FrozenInstanceError as e:
    told = str(e), isinstance(e, AttributeError)
try:
    del p.x
except FrozenInstanceError as e:
    gone = str(e)
result = told, gone, hash(p) == hash(P(1)), {p: 1}[P(1)]

# --- frozen with slots
from dataclasses import dataclass
@dataclass(frozen=True, slots=True)
class P:
    x: int
    y: int = 3
result = P(1), hash(P(1)) == hash(P(1, 3)), P(1) == P(1, 3)

# --- slots
from dataclasses import dataclass
@dataclass(slots=True)
class P:
    x: int
    def double(self): return self.x * 2
    def up(self):
        self.x += 1
        return self
p = P(2)
p.x = 5
try:
    p.z = 1
except AttributeError as e:
    told = str(e)
result = p.double(), p.up(), told

# --- slots and super
from dataclasses import dataclass
@dataclass(slots=True)
class A:
    x: int
    def f(self): return self.x
@dataclass(slots=True)
class B(A):
    y: int = 1
    def f(self): return A.f(self) + self.y
result = B(1, 2).f(), B(1)

# --- keyword only
from dataclasses import KW_ONLY, dataclass, field
@dataclass(kw_only=True)
class A:
    x: int = 1
    y: int
@dataclass
class B:
    a: int
    _: KW_ONLY
    b: int = 2
@dataclass
class C:
    a: int = field(kw_only=True)
    b: int
result = A(y=2), B(1, b=3), C(5, a=1)

# --- post init
from dataclasses import InitVar, dataclass, field
@dataclass
class Reading:
    raw: InitVar[str]
    unit: str = "C"
    value: float = field(init=False)
    def __post_init__(self, raw):
        self.value = float(raw)
        if self.value < -273.15:
            raise ValueError("too cold")
out = [Reading("21.5")]
try:
    Reading("-300")
except ValueError as e:
    out.append(str(e))
result = out

# --- post init with defaults of init variables
from dataclasses import InitVar, dataclass
@dataclass
class A:
    x: int
    scale: InitVar[int] = 2
    def __post_init__(self, scale): self.x *= scale
result = A(3), A(3, 5), A(1, scale=7)

# --- frozen and computed
from dataclasses import dataclass, field
@dataclass(frozen=True)
class Circle:
    r: float
    area: float = field(init=False)
    def __post_init__(self):
        object.__setattr__(self, "area", 3 * self.r**2)
result = Circle(2)

# --- inheritance
from dataclasses import dataclass
@dataclass
class A:
    x: int
    y: int = 1
    def sum(self): return self.x + self.y
@dataclass
class B(A):
    y: int = 5
    z: int = 2
    def sum(self): return super().sum() + self.z
result = B(1), B(1).sum(), isinstance(B(1), A), A(1) == B(1, 1)

# --- replace, asdict, astuple, fields
from dataclasses import asdict, astuple, dataclass, field, fields, is_dataclass, replace
@dataclass
class Inner:
    n: int
@dataclass
class Outer:
    a: Inner
    items: list[Inner] = field(default_factory=list)
    table: dict[str, Inner] = field(default_factory=dict)
o = Outer(Inner(1), [Inner(2)], {"k": Inner(3)})
r = replace(o, a=Inner(9))
d = asdict(o)
d["items"][0]["n"] = 50
result = r.a, d, astuple(o), [f.name for f in fields(Outer)], is_dataclass(o), is_dataclass(Outer), is_dataclass(1), o.items

# --- asdict with a factory
from dataclasses import asdict, dataclass
@dataclass
class P:
    b: int
    a: int | None = None
result = asdict(P(1), dict_factory=lambda pairs: {k: v for k, v in pairs if v is not None})

# --- field options and metadata
from dataclasses import dataclass, field, fields
@dataclass
class P:
    x: int = field(default=1, metadata={"unit": "C"})
    y: int = field(default=2, repr=False, hash=False, compare=False)
f = fields(P)[0]
result = P(), P(1, 3) == P(1, 4), f.name, f.default, f.metadata["unit"], f.type, f.init, fields(P)[1].repr

# --- eq off, repr off
from dataclasses import dataclass
@dataclass(eq=False, repr=False)
class A:
    x: int
    def __repr__(self): return "own"
result = A(1) == A(1), repr(A(1))

# --- unsafe hash
from dataclasses import dataclass
@dataclass(unsafe_hash=True)
class A:
    x: int
a = A(1)
result = hash(a) == hash(A(1)), len({a, A(1)})

# --- unhashable by default
from dataclasses import dataclass
@dataclass
class A:
    x: int
hash(A(1))

# --- class variables
from dataclasses import dataclass
from typing import ClassVar
@dataclass
class A:
    x: int
    count: ClassVar[int] = 0
    names: ClassVar = []
    def __post_init__(self): A.count += 1
A(1)
result = A(2), A.count

# --- postponed annotations
from __future__ import annotations
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar
import typing
import typing as t
import dataclasses
@dataclass
class A:
    x: int
    count: ClassVar[int] = 0
    other: typing.ClassVar[dict[str, int]] = {}
    third: t.ClassVar = 1
    raw: InitVar[str] = "r"
    raw2: dataclasses.InitVar[str] = "q"
    _: KW_ONLY
    next: A | None = None
    def __post_init__(self, raw, raw2): self.got = raw + raw2
a = A(1, next=A(2))
result = a, a.got, [f.name for f in dataclasses.fields(A)]

# --- match arguments
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int
def f(p):
    match p:
        case P(0, 0): return "origin"
        case P(x, 0): return "x", x
        case P(x=0, y=y): return "y", y
        case P(x, y) if x == y: return "diag"
        case P(): return "p"
result = [f(P(*a)) for a in ((0, 0), (3, 0), (0, 4), (2, 2), (1, 2))], P.__match_args__

# --- methods and properties
from dataclasses import dataclass
@dataclass
class Rect:
    w: float
    h: float
    @property
    def area(self): return self.w * self.h
    @classmethod
    def square(cls, a): return cls(a, a)
    def __mul__(self, k): return Rect(self.w * k, self.h * k)
    def __lt__(self, o): return self.area < o.area
result = Rect.square(3).area, Rect(1, 2) * 2, Rect(1, 1) < Rect(2, 2)

# --- generic dataclass
from dataclasses import dataclass
from typing import Generic, TypeVar
T = TypeVar("T")
@dataclass
class Box(Generic[T]):
    item: T
    def get(self) -> T: return self.item
result = Box(1), Box[str]("a").get()

# --- missing argument
from dataclasses import dataclass
@dataclass
class A:
    x: int
    y: int
A(1)

# --- fields without a default after one
from dataclasses import dataclass
@dataclass
class A:
    x: int = 1
    y: int

# --- private field
from dataclasses import dataclass, field
@dataclass
class A:
    _x: int = 3
    _cache: dict = field(default_factory=dict, repr=False)
    def get(self):
        self._cache["k"] = self._x
        return self._cache
result = A().get(), A(_x=5)

# --- as json
import json
from dataclasses import asdict, dataclass
@dataclass
class R:
    id: str
    temp: float
result = json.dumps(asdict(R("a", 1.5))), json.loads(json.dumps([asdict(R("b", 2))]))

# --- default of a type
from dataclasses import dataclass
import datetime
from decimal import Decimal
@dataclass
class A:
    when: datetime.date = datetime.date(2026, 1, 1)
    price: Decimal = Decimal("1.10")
    f: object = len
result = A()

# --- string annotation of InitVar inside quotes
from dataclasses import dataclass, InitVar
@dataclass
class A:
    x: "int"
    y: "InitVar[int]" = 3
    def __post_init__(self, y): self.x += y
result = A(1)

# --- compares with other classes
from dataclasses import dataclass
@dataclass(order=True)
class A:
    x: int
A(1) < 5

# --- recursive repr
from dataclasses import dataclass
@dataclass
class Node:
    v: int
    children: list = None
n = Node(1, [])
n.children.append(n)
result = repr(n)

# --- dataclass used as a dict key in a counter
from collections import Counter
from dataclasses import dataclass
@dataclass(frozen=True)
class K:
    a: str
result = Counter([K("x"), K("x"), K("y")]).most_common(1)

# --- field order by sort key
from dataclasses import dataclass, field
@dataclass(order=True)
class Task:
    priority: int
    name: str = field(compare=False)
result = [t.name for t in sorted([Task(2, "b"), Task(1, "z")])]

# --- init off
from dataclasses import dataclass
@dataclass(init=False)
class A:
    x: int
    def __init__(self): self.x = 9
result = A()

# --- match args off
from dataclasses import dataclass
@dataclass(match_args=False)
class A:
    x: int
result = A(1)
