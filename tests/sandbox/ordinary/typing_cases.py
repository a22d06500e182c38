# --- named tuples
from collections import namedtuple
from typing import NamedTuple
P = namedtuple("P", "x y", defaults=[7])
R = namedtuple("R", ["a", "b"])
class Q(NamedTuple):
    """Words."""
    a: int
    b: str = "z"
    def both(self): return f"{self.a}{self.b}"
    @property
    def double(self): return self.a * 2
    @classmethod
    def of(cls, t): return cls(*t)
N = NamedTuple("N", [("u", int), ("v", str)])
result = P(1), P(1)._asdict(), P(1)._replace(x=5).x, P._fields, P._make([1, 2]).y, R(1, 2), Q(1).both(), Q(2).double, Q.of((3, "c")), Q._fields, Q(1)._replace(b="n"), Q(1) == (1, "z"), sorted([Q(2), Q(1)]), tuple(Q(5)), N(1, "v"), Q(1)[0], len(Q(1)), hash(Q(1)) == hash((1, "z")), [*Q(1)], Q(1)._asdict(), P._field_defaults, Q.__doc__

# --- a named tuple with operators
from typing import NamedTuple
class V(NamedTuple):
    x: float
    y: float
    def __add__(self, o): return V(self.x + o[0], self.y + o[1])
    def __abs__(self): return (self.x**2 + self.y**2) ** 0.5
    def __str__(self): return f"<{self.x},{self.y}>"
result = V(1, 2) + V(3, 4), abs(V(3, 4)), str(V(0, 1)), f"{V(1, 1)}"

# --- a named tuple cannot be changed
from collections import namedtuple
P = namedtuple("P", "x y")
P(1, 2).x = 5

# --- a named tuple with a wrong number
from collections import namedtuple
P = namedtuple("P", "x y")
P(1)

# --- a subclass of a named tuple
from collections import namedtuple
class P(namedtuple("Base", "x y")):
    __slots__ = ()
    @property
    def sum(self): return self.x + self.y
    def moved(self, dx): return self._replace(x=self.x + dx)
    def __new__(cls, x, y=0): return super().__new__(cls, x, y)
result = P(1, 2).sum, P(1, 2).moved(5), P(3)

# --- rename
from collections import namedtuple
P = namedtuple("P", "a class a def", rename=True)
result = P(1, 2, 3, 4)._fields

# --- typed dicts
from typing import NotRequired, Required, TypedDict
class R(TypedDict):
    id: str
    temp: float
class S(R, total=False):
    hum: float
class T(TypedDict, total=False):
    a: Required[int]
    b: int
D = TypedDict("D", {"in": int, "x-y": str})
r: R = {"id": "a", "temp": 1.0}
s: S = S(id="b", temp=2.0)
d: D = {"in": 1, "x-y": "s"}
result = r, s, T(a=1), d, isinstance(r, dict)

# --- protocols
from typing import Protocol, runtime_checkable
class HasArea(Protocol):
    def area(self) -> float: ...
@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...
class A:
    def close(self): pass
    def area(self): return 1
def f(x: HasArea) -> float: return x.area()
class B(HasArea):
    def area(self): return 5
result = f(A()), isinstance(A(), Closes), isinstance(1, Closes), f(B())

# --- generics
from typing import Generic, TypeVar
T = TypeVar("T")
N = TypeVar("N", int, float)
U = TypeVar("U", bound="Base")
class Stack(Generic[T]):
    def __init__(self) -> None: self.items: list[T] = []
    def push(self, x: T) -> "Stack[T]":
        self.items.append(x)
        return self
    def pop(self) -> T: return self.items.pop()
class IntStack(Stack[int]):
    def total(self): return sum(self.items)
def first(xs: list[T]) -> T: return xs[0]
def add(a: N, b: N) -> N: return a + b
result = Stack[int]().push(1).pop(), IntStack().push(2).push(3).total(), first([9]), add(1, 2), repr(T), Stack[str]().items

# --- literal, final, cast, new type, alias
from typing import Any, Final, Literal, NewType, TypeAlias, cast
Mode = Literal["on", "off"]
MAX: Final = 5
SensorId = NewType("SensorId", str)
Rows: TypeAlias = list[dict[str, Any]]
def f(m: Mode = "on") -> Literal[1, 2]: return 1
result = f("off"), cast(int, "x"), cast("list[int]", [1]), SensorId("a"), MAX, Rows, cast(Rows, [])

# --- unions and optionals as values
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union
A = Optional[int]
B = Union[int, str, None]
C = int | None
D = Dict[str, List[Tuple[int, ...]]]
E = Callable[[int, str], bool]
F = Callable[..., None]
def g(a: A, b: B = None, c: "C" = None, *d: Iterable[Set[int]]) -> Iterator[Mapping[str, Sequence[int]]]: yield {}
result = repr(A), repr(B), repr(C), repr(D), repr(E), repr(F), A == Union[int, None], next(g(1)), list[int], dict[str, list[int]], tuple[int, ...]

# --- annotated, class var, self, never
from typing import Annotated, Any, ClassVar, Never, NoReturn, Self
Celsius = Annotated[float, "°C"]
class A:
    count: ClassVar[int] = 0
    def up(self) -> Self:
        self.n: Celsius = 1.0
        return self
def fail() -> NoReturn: raise ValueError("x")
def never(x: Never) -> Any: ...
result = A().up().n, A.count

# --- type checking block
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere_to_be_found import Thing
def f(x: "Thing") -> "Thing": return x
result = f(1), TYPE_CHECKING

# --- abstract collections as bases
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence, Sized
class Ring(Sequence):
    def __init__(self, *a): self.a = a
    def __getitem__(self, i):
        if i >= len(self.a):
            raise IndexError(i)
        return self.a[i]
    def __len__(self): return len(self.a)
class Table(MutableMapping):
    def __init__(self): self.d = {}
    def __getitem__(self, k): return self.d[k.lower()]
    def __setitem__(self, k, v): self.d[k.lower()] = v
    def __delitem__(self, k): del self.d[k.lower()]
    def __iter__(self): return iter(self.d)
    def __len__(self): return len(self.d)
t = Table()
t["A"] = 1
t["a"] += 1
t.update(b=5)
r = Ring(1, 2, 3)
result = r[1], list(r), r.index(2), 3 in r, list(reversed(r)), dict(t), t.get("B"), t.pop("A"), t.setdefault("c", 7), sorted(t.items()), isinstance(t, Mapping), isinstance([], Sized), isinstance(len, Callable), isinstance(iter([]), Iterator), isinstance("", Iterable)

# --- abstract bases that are not filled in
from collections.abc import Sequence
class A(Sequence):
    def __len__(self): return 0
A()

# --- overloads and finals
from typing import final, overload
@final
class A:
    @final
    def f(self): return 1
@overload
def g(x: int) -> int: ...
@overload
def g(x: str) -> str: ...
def g(x): return x
result = A().f(), g(2)

# --- type variables in functions
from typing import Callable, ParamSpec, TypeVar
P = ParamSpec("P")
R = TypeVar("R")
def logged(f: Callable[P, R]) -> Callable[P, R]:
    def g(*args: P.args, **kwargs: P.kwargs) -> R:
        return f(*args, **kwargs)
    return g
@logged
def add(a, b=1): return a + b
result = add(1), add(1, b=5)

# --- generic alias at run time
result = list[int]([1]), dict[str, int](a=1), isinstance([], list), tuple[int]((1,))

# --- forward references
from typing import List, Optional
class Node:
    def __init__(self, v: int, next: Optional["Node"] = None, kids: "List[Node]" = None):
        self.v, self.next = v, next
result = Node(1, Node(2)).next.v

# --- collections of typing as classes
from typing import Deque, DefaultDict, Counter, OrderedDict
result = isinstance({}, dict), DefaultDict[str, int], Deque[int], Counter[str]

# --- assert never and reveal
from typing import assert_never
def f(x: int | str) -> str:
    if isinstance(x, int):
        return "i"
    elif isinstance(x, str):
        return "s"
    else:
        assert_never(x)
result = f(1), f("a")

# --- get origin and arguments by hand
from typing import Union, Literal
result = isinstance(1, int | float), issubclass(int, (int, str)), Literal["a"] == Literal["a"], Union[int, str] == Union[str, int], hash(list[int]) == hash(list[int])
