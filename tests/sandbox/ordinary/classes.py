# --- attributes of class and instance
class A:
    n = 1
    items = []
a, b = A(), A()
a.n += 4
A.n += 10
a.items.append(1)
b.extra = "x"
result = a.n, b.n, A.n, b.items, b.extra

# --- private and mangled attributes
class Account:
    __bank = "B"
    _fee = 1
    def __init__(self):
        self._balance = 5
        self.__pin = 7
    def up(self):
        self._balance += self._fee
        self.__pin += 1
        return self._balance, self.__pin, self.__bank, Account.__bank
    def __secret(self): return "s"
    def tell(self): return self.__secret()
a = Account()
result = a.up(), a.tell(), a._balance, a._Account__pin

# --- properties with setter and deleter
class T:
    def __init__(self, c): self._c = c
    @property
    def f(self):
        """Fahrenheit."""
        return self._c * 9 / 5 + 32
    @f.setter
    def f(self, v): self._c = (v - 32) * 5 / 9
    @f.deleter
    def f(self): self._c = 0
t = T(10)
a = t.f
t.f = 212
b = t._c
t.f += 1.8
del t.f
result = a, b, t._c

# --- property without a setter
class T:
    @property
    def v(self): return 1
T().v = 5

# --- property by a call
class T:
    def _get(self): return self._v
    def _set(self, v): self._v = v
    v = property(_get, _set, doc="x")
t = T()
t.v = 4
result = t.v

# --- property validation
class Valve:
    def __init__(self, opening=0): self.opening = opening
    @property
    def opening(self): return self._opening
    @opening.setter
    def opening(self, value):
        if not 0 <= value <= 100:
            raise ValueError(f"opening must be 0..100, not {value}")
        self._opening = value
v = Valve(30)
try:
    v.opening = 101
except ValueError as e:
    result = v.opening, str(e)

# --- class and static methods
class A:
    made = 0
    @classmethod
    def make(cls, *a):
        cls.made += 1
        return cls(*a)
    @staticmethod
    def double(x): return x * 2
class B(A):
    pass
result = type(B.make()).__name__, A.double(2), A().double(3), B.made, A.made

# --- alternative constructors
class Reading:
    def __init__(self, t, h): self.t, self.h = t, h
    @classmethod
    def from_json(cls, d): return cls(float(d["t"]), d.get("h", 0))
    @classmethod
    def from_text(cls, s): return cls(*map(float, s.split(",")))
r = Reading.from_json({"t": "1.5"}), Reading.from_text("2,3")
result = [(x.t, x.h) for x in r]

# --- super in every method
class A:
    def __init__(self, x): self.x = x
    def f(self): return "A"
    @classmethod
    def c(cls): return "Ac"
    @property
    def p(self): return 1
    def __repr__(self): return "A()"
class B(A):
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y
    def f(self): return "B" + super().f()
    @classmethod
    def c(cls): return "Bc" + super().c()
    @property
    def p(self): return super().p + 1
    def __repr__(self): return "B" + super().__repr__()
b = B(1, 2)
result = b.x, b.y, b.f(), B.c(), b.p, repr(b)

# --- super with arguments
class A:
    def __init__(self, n): self.n = n
    def f(self): return 1
class B(A):
    def __init__(self, n):
        super(B, self).__init__(n + 1)
    def f(self): return super(B, self).f() + 1
result = B(1).n, B(1).f()

# --- base class called by name
class A:
    def __init__(self, n): self.n = n
    def f(self): return 1
class B(A):
    def __init__(self, n, m):
        A.__init__(self, n)
        self.m = m
    def f(self): return A.f(self) + 1
b = B(1, 2)
result = b.n, b.m, b.f()

# --- exception base called by name
class E(Exception):
    def __init__(self, code):
        Exception.__init__(self, f"code {code}")
        self.code = code
result = str(E(4)), E(4).code

# --- diamond
class A:
    def f(self): return ["A"]
class B(A):
    def f(self): return ["B"] + super().f()
class C(A):
    def f(self): return ["C"] + super().f()
class D(B, C):
    def f(self): return ["D"] + super().f()
result = D().f()

# --- cooperative init with keywords
class Named:
    def __init__(self, *, name, **rest):
        super().__init__(**rest)
        self.name = name
class Placed:
    def __init__(self, *, place, **rest):
        super().__init__(**rest)
        self.place = place
class Sensor(Named, Placed):
    pass
s = Sensor(name="n", place="p")
result = s.name, s.place

# --- mixin
class Json:
    def dump(self): return sorted(self.values().items())
class P(Json):
    def values(self): return {"a": 1}
result = P().dump()

# --- operators
class V:
    def __init__(self, x, y): self.x, self.y = x, y
    def __add__(self, o): return V(self.x + o.x, self.y + o.y)
    def __sub__(self, o): return V(self.x - o.x, self.y - o.y)
    def __mul__(self, k): return V(self.x * k, self.y * k)
    def __rmul__(self, k): return self * k
    def __truediv__(self, k): return V(self.x / k, self.y / k)
    def __neg__(self): return V(-self.x, -self.y)
    def __abs__(self): return (self.x**2 + self.y**2) ** 0.5
    def __eq__(self, o): return isinstance(o, V) and (self.x, self.y) == (o.x, o.y)
    def __hash__(self): return hash((self.x, self.y))
    def __repr__(self): return f"V({self.x}, {self.y})"
    def __bool__(self): return bool(self.x or self.y)
    def __iadd__(self, o):
        self.x += o.x
        return self
    def __matmul__(self, o): return self.x * o.x + self.y * o.y
    def __iter__(self): return iter((self.x, self.y))
    def __getitem__(self, i): return (self.x, self.y)[i]
    def __len__(self): return 2
v = V(3, 4)
v += V(1, 0)
a, b = v
result = V(1, 2) + V(3, 4), V(1, 2) - V(1, 1), V(1, 2) * 3, 3 * V(1, 2), V(2, 4) / 2, -V(1, 2), abs(V(3, 4)), V(1, 2) == V(1, 2), V(1, 2) != V(1, 3), V(1, 2) == 5, len({V(1, 2), V(1, 2)}), bool(V(0, 0)), v, V(1, 2) @ V(3, 4), a, b, v[1], len(v), list(v)

# --- reflected and missing operators
class N:
    def __radd__(self, o): return "radd", o
    def __add__(self, o): return NotImplemented
result = 1 + N(), [] != N()
try:
    N() + 1
except TypeError as e:
    told = str(e)
result += (told,)

# --- comparison operators
class W:
    def __init__(self, n): self.n = n
    def __lt__(self, o): return self.n < o.n
    def __le__(self, o): return self.n <= o.n
    def __gt__(self, o): return self.n > o.n
    def __ge__(self, o): return self.n >= o.n
    def __ne__(self, o): return self.n != o.n
result = W(1) < W(2), W(1) <= W(1), W(1) > W(2), W(2) >= W(1), W(1) != W(2), [w.n for w in sorted([W(3), W(1)])], min(W(2), W(1)).n

# --- conversions
class C:
    def __int__(self): return 4
    def __float__(self): return 4.5
    def __index__(self): return 2
    def __complex__(self): return 1j
    def __bytes__(self): return b"c"
    def __str__(self): return "str"
    def __repr__(self): return "repr"
    def __format__(self, spec): return f"<{spec}>"
    def __round__(self, n=None): return n
    def __trunc__(self): return 9
    def __floor__(self): return 8
    def __ceil__(self): return 10
import math
c = C()
result = int(c), float(c), [0, 1, 2][c], complex(c), bytes(c), str(c), repr(c), f"{c:x}", f"{c!r}", format(c, "y"), round(c), round(c, 2), math.floor(c), math.ceil(c), math.trunc(c), hex(c), "{:z}".format(c), "%s" % c

# --- container methods
class Bag:
    def __init__(self): self.d = {}
    def __setitem__(self, k, v): self.d[k] = v
    def __getitem__(self, k): return self.d[k]
    def __delitem__(self, k): del self.d[k]
    def __len__(self): return len(self.d)
    def __contains__(self, k): return k in self.d
    def __iter__(self): return iter(self.d)
    def __reversed__(self): return reversed(list(self.d))
b = Bag()
b["x"] = 1
b["x"] += 4
b["y"] = 2
del b["y"]
b["z"] = 0
result = b["x"], len(b), "x" in b, list(b), list(reversed(b)), bool(Bag())

# --- iterator protocol
class Up:
    def __init__(self, n): self.n, self.i = n, 0
    def __iter__(self): return self
    def __next__(self):
        self.i += 1
        if self.i > self.n:
            raise StopIteration
        return self.i
result = list(Up(3)), sum(Up(4)), next(Up(1)), [*Up(2)], max(Up(5))

# --- old sequence iteration
class Seq:
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * 10
result = list(Seq()), 20 in Seq()

# --- callable object
class Add:
    def __init__(self, n): self.n = n
    def __call__(self, x, *, times=1): return x + self.n * times
result = list(map(Add(2), [1, 2])), Add(1)(1, times=3), callable(Add(1))

# --- context manager
log = []
class C:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self):
        log.append("in")
        return self
    def __exit__(self, kind, value, trace):
        log.append((kind and kind.__name__, str(value)))
        return self.swallow
with C(True) as c:
    1 / 0
try:
    with C(False):
        {}["a"]
except KeyError:
    log.append("out")
with C(False):
    pass
result = log

# --- nested context managers unwind in order
log = []
class C:
    def __init__(self, n): self.n = n
    def __enter__(self): log.append(self.n); return self.n
    def __exit__(self, *e): log.append(-self.n)
def f():
    with C(1) as a, C(2) as b:
        return a + b
result = f(), log

# --- slots
class S:
    __slots__ = ("a", "_b")
    def __init__(self):
        self.a = 1
        self._b = 2
s = S()
s.a += 1
try:
    s.c = 1
except AttributeError as e:
    told = str(e)
result = s.a, s._b, hasattr(s, "b"), told

# --- slots in a list or as one name
class S:
    __slots__ = ["x"]
class R:
    __slots__ = "y"
s, r = S(), R()
s.x, r.y = 1, 2
result = s.x, r.y

# --- class in a function
def make(n):
    class A:
        v = n
        def get(self): return self.v + n
    return A()
result = make(3).get(), make(4).v

# --- nested class
class Outer:
    class Inner:
        x = 1
        class Deep:
            y = 2
    def make(self): return self.Inner()
result = Outer().make().x, Outer.Inner.Deep.y

# --- class attributes from expressions
class A:
    base = 2
    double = base * 2
    table = {"a": base}
    table["b"] = double
    for i in range(3):
        pass
    if base > 1:
        big = True
result = A.double, A.table, A.i, A.big

# --- class decorator
def tag(cls):
    cls.tagged = True
    return cls
@tag
class A: pass
result = A.tagged

# --- class decorator with arguments
registry = {}
def register(name):
    def add(cls):
        registry[name] = cls
        cls.registered_as = name
        return cls
    return add
@register("x")
class A: pass
result = registry["x"] is A, A.registered_as

# --- subclass hook
kinds = {}
class Base:
    def __init_subclass__(cls, kind="none", **rest):
        super().__init_subclass__(**rest)
        kinds[kind] = cls.__name__
class A(Base, kind="a"): pass
class B(Base): pass
result = kinds

# --- new
class Celsius(float):
    def __new__(cls, v):
        return super().__new__(cls, round(v, 1))
class Point(tuple):
    def __new__(cls, x, y): return super().__new__(cls, (x, y))
    @property
    def x(self): return self[0]
class One:
    _made = None
    def __new__(cls):
        if cls._made is None:
            cls._made = super().__new__(cls)
        return cls._made
result = Celsius(20.26), Celsius(1.11) + 1, Point(1, 2).x, Point(1, 2), One() is One()

# --- new by name of the base
class Id(str):
    def __new__(cls, v): return str.__new__(cls, v.strip().upper())
class Any:
    def __new__(cls, *a):
        made = object.__new__(cls)
        made.a = a
        return made
result = Id(" a1 "), Any(1, 2).a

# --- getattr fallback
class Config:
    def __init__(self, **k): self.values = k
    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None
c = Config(a=1)
result = c.a, hasattr(c, "b"), getattr(c, "zz", "none")

# --- descriptors
class Positive:
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, obj, owner=None):
        if obj is None:
            return self
        return obj.values.get(self.name, 0)
    def __set__(self, obj, value):
        if value < 0:
            raise ValueError(f"{self.name} must not be negative")
        obj.values[self.name] = value
class Tank:
    level = Positive()
    size = Positive()
    def __init__(self): self.values = {}
t = Tank()
t.level = 3
t.level += 2
try:
    t.size = -1
except ValueError as e:
    told = str(e)
result = t.level, t.size, told

# --- class getitem
class Box:
    def __class_getitem__(cls, item): return cls, item
result = Box[int][1] is int

# --- setattr method that protects
class Frozen:
    def __init__(self, x):
        super().__setattr__("x", x)
    def __setattr__(self, name, value):
        raise AttributeError(f"{name} is fixed")
f = Frozen(3)
try:
    f.x = 4
except AttributeError as e:
    result = f.x, str(e)

# --- class of an object
class A: pass
class B(A):
    def kind(self): return self.__class__.__name__
    def copy(self): return self.__class__()
result = B().kind(), type(B().copy()) is B, type(B()) is B, type(B()) == A, B().__class__ is B

# --- name of a class
class A: pass
result = A.__name__, type(A()).__name__, type(1).__name__, int.__name__, type(None).__name__, A.__qualname__, A.__module__

# --- class names of values
result = [x.__class__.__name__ for x in (1, "a", None, [], 1.5, {}, ValueError(), (1,), True, b"")]

# --- instance checks
class A: pass
class B(A): pass
result = isinstance(B(), A), isinstance(1, int | str), isinstance(1, (float, (int,))), issubclass(B, A), isinstance(True, int), isinstance(None, type(None)), isinstance(A, type), isinstance(1, type), issubclass(bool, int | str)

# --- doc of a class
class A:
    """Words."""
    def f(self):
        """More."""
result = A.__doc__, A.f.__doc__, A().f.__doc__

# --- dict of an instance
class A:
    def __init__(self, **k):
        self.__dict__.update(k)
a = A(x=1, y=2)
result = a.x, sorted(a.__dict__), vars(a), {k: v for k, v in a.__dict__.items() if v > 1}

# --- attributes by name
class A:
    x = 1
    def m(self, n): return n + 1
a = A()
setattr(a, "y", 2)
for k, v in {"p": 1, "q": 2}.items():
    setattr(a, k, v)
delattr(a, "p")
result = getattr(a, "x"), getattr(a, "y"), getattr(a, "z", 0), hasattr(a, "p"), hasattr(a, "q"), getattr(a, "m")(4)

# --- bound methods
class A:
    def __init__(self): self.n = 0
    def up(self):
        self.n += 1
        return self.n
a = A()
f = a.up
f()
g = A.up
result = f(), g(a), a.up == a.up

# --- method chaining
class Query:
    def __init__(self): self.parts = []
    def where(self, x):
        self.parts.append(x)
        return self
    def build(self): return " and ".join(self.parts)
result = Query().where("a").where("b").build()

# --- subclass of dict
class D(dict):
    def __missing__(self, k): return k * 2
    def total(self): return sum(self.values())
    def __setitem__(self, k, v): super().__setitem__(k, v + 1)
    def __getattr__(self, k): return self[k]
d = D(a=1)
d["b"] = 5
d.update(c=1)
result = d.total(), d["zz"], d.b, d, len(d), sorted(d)

# --- subclass of list
class L(list):
    def last(self): return self[-1]
    def append(self, x): super().append(x * 2)
    def __getitem__(self, i): return super().__getitem__(i)
x = L([1])
x.append(2)
x += [7]
x[0] = 5
result = x, x.last(), x + [1], isinstance(x, list)

# --- subclass of str and int
class Name(str):
    def shout(self): return self.upper() + "!"
class Cents(int):
    def __str__(self): return f"{self / 100:.2f}"
    def __add__(self, o): return Cents(int(self) + int(o))
result = Name("bob").shout(), Name("a") + "b", str(Cents(150) + Cents(1)), Cents(5) * 2, f"{Cents(150)}", repr(Cents(7))

# --- text that ignores case
class Ci(str):
    def __eq__(self, o): return self.lower() == o.lower()
    def __hash__(self): return hash(self.lower())
result = Ci("Ab") == Ci("aB"), {Ci("X"): 1}[Ci("x")], Ci("a") in [Ci("A")]

# --- subclass of set and frozenset
class S(set):
    def add(self, x): super().add(x * 10)
s = S([1])
s.add(2)
result = sorted(s), sorted(s | {5})

# --- subclass of Exception with slots of data
class E(ValueError):
    def __init__(self, message, *, code=0):
        super().__init__(message)
        self.code = code
result = E("m", code=3).code

# --- abstract pattern
class Shape:
    def area(self): raise NotImplementedError
    def describe(self): return f"{type(self).__name__} {self.area():.1f}"
class Square(Shape):
    def __init__(self, a): self.a = a
    def area(self): return self.a**2
out = [Square(2).describe()]
try:
    Shape().describe()
except NotImplementedError as e:
    out.append(repr(e))
result = out

# --- equality makes unhashable
class A:
    def __eq__(self, o): return True
hash(A())

# --- default repr of a class
class A: pass
result = repr(A), str(A)

# --- instances in sets and dicts
class A: pass
a, b = A(), A()
result = len({a, b, a}), {a: 1}[a], a == b, a != b

# --- hash and length hints
class A:
    def __init__(self, k): self.k = k
    def __hash__(self): return hash(self.k)
    def __eq__(self, o): return self.k == o.k
    def __length_hint__(self): return 3
    def __iter__(self): return iter([1])
result = {A(1): "x"}[A(1)], list(A(1))

# --- in-place operators of a class
class B:
    def __init__(self): self.log = []
    def __iadd__(self, o): self.log.append(("+", o)); return self
    def __isub__(self, o): self.log.append(("-", o)); return self
    def __imul__(self, o): self.log.append(("*", o)); return self
    def __itruediv__(self, o): self.log.append(("/", o)); return self
    def __ifloordiv__(self, o): self.log.append(("//", o)); return self
    def __imod__(self, o): self.log.append(("%", o)); return self
    def __ipow__(self, o): self.log.append(("**", o)); return self
    def __ilshift__(self, o): self.log.append(("<<", o)); return self
    def __irshift__(self, o): self.log.append((">>", o)); return self
    def __iand__(self, o): self.log.append(("&", o)); return self
    def __ior__(self, o): self.log.append(("|", o)); return self
    def __ixor__(self, o): self.log.append(("^", o)); return self
    def __imatmul__(self, o): self.log.append(("@", o)); return self
b = B()
b += 1; b -= 2; b *= 3; b /= 4; b //= 5; b %= 6; b **= 7; b <<= 8; b >>= 9; b &= 10; b |= 11; b ^= 12; b @= 13
result = b.log

# --- all reflected operators
class R:
    def __radd__(self, o): return "+"
    def __rsub__(self, o): return "-"
    def __rmul__(self, o): return "*"
    def __rtruediv__(self, o): return "/"
    def __rfloordiv__(self, o): return "//"
    def __rmod__(self, o): return "%"
    def __rpow__(self, o): return "**"
    def __rlshift__(self, o): return "<<"
    def __rrshift__(self, o): return ">>"
    def __rand__(self, o): return "&"
    def __ror__(self, o): return "|"
    def __rxor__(self, o): return "^"
    def __rdivmod__(self, o): return "d"
r = R()
result = 1 + r, 1 - r, 1 * r, 1 / r, 1 // r, 1 % r, 1**r, 1 << r, 1 >> r, 1 & r, 1 | r, 1 ^ r, divmod(1, r)

# --- unary operators
class U:
    def __neg__(self): return "neg"
    def __pos__(self): return "pos"
    def __invert__(self): return "inv"
    def __abs__(self): return "abs"
u = U()
result = -u, +u, ~u, abs(u)

# --- generic class
from typing import Generic, TypeVar
T = TypeVar("T")
K = TypeVar("K")
class Box(Generic[T]):
    def __init__(self, v: T): self.v = v
    def get(self) -> T: return self.v
class Pair(Generic[K, T]):
    def __init__(self, k: K, t: T): self.k, self.t = k, t
b: Box[int] = Box[int](3)
result = b.get(), Box("x").v, Pair[str, int]("a", 1).k

# --- class with many features
class Window:
    """Average of the last n values."""
    __slots__ = ("_n", "_values")
    def __init__(self, n: int = 3):
        self._n = n
        self._values: list[float] = []
    def __iadd__(self, v: float):
        self._values.append(v)
        if len(self._values) > self._n:
            del self._values[0]
        return self
    @property
    def mean(self): return sum(self._values) / len(self._values) if self._values else None
    def __len__(self): return len(self._values)
    def __iter__(self): yield from self._values
w = Window()
for v in (1, 2, 3, 4):
    w += v
result = w.mean, len(w), list(w), Window().mean

# --- comparison of methods called by name
class A:
    def __init__(self, n): self.n = n
    def __eq__(self, o): return self.n == o.n
    def __ne__(self, o): return not self.__eq__(o)
    def __len__(self): return self.n
    def size(self): return self.__len__()
result = A(1) != A(1), A(1).__eq__(A(1)), A(3).size(), A(1) == A(2)

# --- methods of dict called by name
class Log(dict):
    def __getitem__(self, k): return dict.__getitem__(self, k) * 2
    def __setitem__(self, k, v): dict.__setitem__(self, k, v + 1)
d = Log()
d["a"] = 1
result = d["a"]

# --- a class that counts its instances
class C:
    count = 0
    def __init__(self):
        C.count += 1
        self.number = C.count
    def __del(self): pass
C(); C()
result = C().number, C.count

# --- properties in subclasses
class A:
    @property
    def x(self): return 1
class B(A):
    @A.x.getter
    def x(self): return 2
class D(A):
    @property
    def x(self): return super().x + 10
result = A().x, B().x, D().x

# --- object as a sentinel
MISSING = object()
def get(d, k, default=MISSING):
    v = d.get(k, default)
    return "none" if v is MISSING else v
result = get({}, "a"), get({"a": 1}, "a"), get({}, "a", None)

# --- namespace object
class NS:
    def __init__(self, **k):
        for name, v in k.items():
            setattr(self, name, v)
    def __repr__(self): return "NS(" + ", ".join(f"{k}={v!r}" for k, v in sorted(vars(self).items())) + ")"
result = NS(a=1, b="x")

# --- annotations of a class
class A:
    x: int
    y: str = "a"
result = A.__annotations__, A.y

# --- weak private names in subclasses
class A:
    def __init__(self): self.__x = 1
    def ax(self): return self.__x
class B(A):
    def __init__(self):
        super().__init__()
        self.__x = 2
    def bx(self): return self.__x
b = B()
result = b.ax(), b.bx()

# --- class methods called from the class body's end
class A:
    def _make(n): return n * 2
    two = _make(1)
    four = _make(two)
result = A.four

# --- attribute lookup order
class A:
    x = "class"
a = A()
a.x = "instance"
b = a.x
del a.x
result = b, a.x

# --- bool and len
class E:
    def __len__(self): return 0
result = bool(E()), "empty" if not E() else "full"
