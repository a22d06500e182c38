# --- augmented assignment to every kind of target
x = [1, 2]
x += [3]
x[0] *= 9
x[1:2] += [7, 8]
d = {"a": 1, "n": {"deep": [0]}}
d["a"] -= 5
d["n"]["deep"][0] += 2
d |= {"b": 2}
result = x, d

# --- all in-place operators
n = 7
out = []
n += 3; out.append(n)
n -= 1; out.append(n)
n *= 5; out.append(n)
n //= 2; out.append(n)
n %= 13; out.append(n)
n **= 2; out.append(n)
n <<= 2; out.append(n)
n >>= 1; out.append(n)
n &= 0b1111011; out.append(n)
n |= 4; out.append(n)
n ^= 1; out.append(n)
n /= 4; out.append(n)
result = out

# --- in-place operators on strings, tuples, sets
s = "a"
s += "b"
s *= 3
t = (1,)
t += (2,)
u = {1, 2}
u |= {3}
u &= {2, 3}
u -= {3}
u ^= {9}
result = s, t, sorted(u)

# --- slices
x = list(range(10))
x[2:5] = ["a"]
del x[0]
x[::3] = [0] * len(x[::3])
y = x[-3:][::-1]
result = x, y, x[1:-1:2], "abcdef"[::-2], (1, 2, 3)[:2]

# --- slices with names
x = list("abcdef")
first = slice(0, 2)
x[first] = "XY"
result = x[first], x[slice(None, None, -1)], first.indices(10)

# --- del of names, items, slices, attributes
class Box:
    pass
b = Box()
b.a = b.c = 1
del b.a
x = [1, 2, 3, 4]
del x[0], x[-1]
d = {"k": 1, "l": 2}
del d["k"]
del (x[0],)
v = 1
del v
try:
    v
except NameError as e:
    told = str(e)
result = hasattr(b, "a"), b.c, x, d, told

# --- chained assignment
a = b = c = []
a.append(1)
result = b is c, c

# --- tuple swap
a, b = 1, 2
a, b = b, a
result = a, b

# --- starred targets
first, *middle, last = range(6)
*head, tail = "xyz"
[one, *rest] = (1,)
(p, (q, *r)), s = (1, (2, 3, 4)), 5
result = first, middle, last, head, tail, one, rest, p, q, r, s

# --- starred targets into items and attributes
class Box:
    pass
b = Box()
d = {}
d["first"], *b.rest = [1, 2, 3]
(d["x"], b.y) = "pq"
[*d["z"], b.w] = 1, 2, 3
result = d, b.rest, b.y, b.w

# --- for with targets of every kind
class Box:
    pass
b = Box()
d = {}
seen = []
for b.value in [1, 2]:
    seen.append(b.value)
for d["k"] in "ab":
    seen.append(d["k"])
for i, (x, *y) in enumerate([(1, 2, 3), "ab"]):
    seen.append((i, x, y))
result = seen, d, b.value

# --- starred expressions
def f(*a, **k):
    return a, k
x = [1, 2]
d = {"a": 1}
result = [*x, *x], (*x, 3), {*x, 4}, {**d, "b": 2, **{"a": 9}}, f(*x, *x, **d, **{"c": 3})

# --- starred in index, return and yield
def f():
    x = 1, 2
    return *x, 3
def g():
    x = [1]
    yield *x, 2
result = f(), list(g())

# --- walrus in conditions and comprehensions
data = [3, 8, 1, 9]
big = [y for x in data if (y := x * 2) > 5]
while (n := data.pop()) != 3:
    last = n
if (m := max(big)) > 10:
    found = m
result = big, y, n, last, found

# --- walrus in any
words = ["a", "bb", "ccc"]
if any(len(hit := w) > 1 for w in words):
    result = hit

# --- comprehensions of every kind
result = (
    [x for x in range(5)], {x % 3 for x in range(9)}, {k: v for k, v in zip("ab", (1, 2))},
    tuple(x * x for x in range(3)), [[a * b for a in range(3)] for b in range(3)],
    [x for row in [[1, 2], [3]] for x in row if x != 2], [(i, c) for i, c in enumerate("ab") if i or c],
)

# --- comprehension scoping
x = "outer"
got = [x for x in range(3)]
def f():
    y = 10
    return [y + z for z in range(2)]
result = x, got, f()

# --- comprehension closures
fs = [lambda: i for i in range(3)]
gs = [lambda i=i: i for i in range(3)]
result = [f() for f in fs], [g() for g in gs]

# --- comprehension in a class body
class A:
    size = 3
    items = [n for n in range(size)]
result = A.items

# --- nested unpacking in comprehensions
pairs = [("a", (1, 2)), ("b", (3, 4))]
result = [k + str(x + y) for k, (x, y) in pairs], {k: v for k, (_, v) in pairs}

# --- while else
n = 3
while n:
    n -= 1
    if n == 5:
        break
else:
    n = "done"
result = n

# --- for else with and without break
out = []
for limit in (3, 9):
    for i in range(5):
        if i == limit:
            out.append("broke")
            break
    else:
        out.append("whole")
result = out

# --- break and continue in try
out = []
for i in range(4):
    try:
        if i == 1:
            continue
        if i == 3:
            break
        out.append(i)
    finally:
        out.append("f")
result = out

# --- conditional expressions and boolean values
x = 0
result = ("even" if x % 2 == 0 else "odd"), x or "default", x and 1, not x, None or [] or "last", 1 and 2 and 3

# --- chained comparison evaluates once
calls = []
def n(v):
    calls.append(v)
    return v
result = n(1) < n(2) <= n(2) != n(3), 5 > 3 < 4, 1 < 3 > 2 == 2.0, calls

# --- comparison of identity and membership
a = []
result = a is a, a is not [], 1 in [1], 2 not in (1,), "b" in "abc", None is None, True is not False

# --- global counter
count = 0
def up(by=1):
    global count
    count += by
    return count
up()
up(5)
result = count

# --- global made by a function
def make():
    global made
    made = [1]
make()
made += [2]
result = made

# --- nonlocal at two depths
def outer():
    n = 0
    def middle():
        nonlocal n
        n += 1
        def inner():
            nonlocal n
            n += 10
            return n
        return inner()
    return middle(), n
result = outer()

# --- annotations everywhere
from typing import Any, Optional
a: int = 1
b: "list[int]"
c: dict[str, Any] = {}
class P:
    x: int
    y: float = 2.0
    def __init__(self) -> None:
        self.z: list[str] = []
        self.n: Optional[int]
def f(a: int, /, b: str = "x", *args: int, c: bool = True, **kw: Any) -> tuple[int, ...]:
    local: float = 1.5
    other: "unknown_name"
    return a, local
c["k"]: int = 5
result = a, c, P().z, P.y, f(1)

# --- postponed annotations
from __future__ import annotations
def f(a: Missing, b: also.missing[0] | None = None) -> Anything:
    c: Whatever = 3
    return a + c
class Node:
    next: Node | None = None
    def link(self, other: Node) -> Node:
        self.next = other
        return self
result = f(4), Node().link(Node()).next.next

# --- assert
out = []
try:
    assert 1 > 2, "small"
except AssertionError as e:
    out.append(str(e))
try:
    assert False
except AssertionError as e:
    out.append(str(e))
assert True, 1 / 0
result = out

# --- lambda with every kind of parameter
result = (lambda: 1)(), (lambda a, b=2: a + b)(1), (lambda *a, k=3, **d: (a, k, d))(1, z=2), (lambda x, /: x)(5), sorted("bca", key=lambda c: -ord(c))

# --- conditional import
import math
flag = math.pi > 3
if flag:
    import json as codec
else:
    codec = None
try:
    from zoneinfo import ZoneInfo
except ImportError:
    ZoneInfo = None
def late():
    from collections import Counter
    import datetime as dt
    return Counter("aa")["a"], dt.timedelta(1).days
result = codec.dumps([1]), ZoneInfo is not None, late()


# --- several imports in one statement
import json, math as m
import collections.abc
import urllib.parse
import urllib.parse as up
from urllib import parse
from collections import abc, OrderedDict as OD
from json import (
    dumps,
    loads as read,
)
result = json.dumps(1), m.floor(1.5), isinstance({}, collections.abc.Mapping), urllib.parse.quote("ä"), up.quote(" "), parse.unquote("%20"), isinstance([], abc.Sequence), OD(a=1)["a"], read(dumps([1]))

# --- pass, ellipsis, docstrings
"""A docstring."""
def f():
    """Documented."""
    ...
class C:
    """Also."""
if True:
    pass
result = f(), ... is Ellipsis

# --- names with one underscore
_ = 1
_private = 2
_under_score = 3
a_, b__ = 4, 5
for _ in range(3):
    pass
_x, _ = 7, 8
result = _, _private, _under_score, a_, b__, _x

# --- unicode names and normal forms
größe = 3
ﬁeld = 4
温度 = 21.5
result = größe, field, 温度

# --- numbers of every notation
result = 1_000, 0xFF, 0o17, 0b101, 1e3, 1.5e-3, 3j, 10**20, -7 // 2, -7 % 3, 7.5 // 2, 2**-1, 5 @ 1 if False else 0

# --- operators
result = 7 + 2, 7 - 2, 7 * 2, 7 / 2, 7 // 2, 7 % 2, 7**2, 7 << 2, 7 >> 1, 7 & 2, 7 | 8, 7 ^ 2, ~7, -7, +7, not 7

# --- division by zero
1 / 0

# --- unknown name
print_it(1)

# --- nested functions and recursion
def fact(n):
    return 1 if n < 2 else n * fact(n - 1)
def even(n):
    return True if n == 0 else odd(n - 1)
def odd(n):
    return False if n == 0 else even(n - 1)
result = fact(20), even(10), odd(7)

# --- if __name__ is main
ran = False
if __name__ == "__main__":
    ran = True
result = ran, __name__

# --- module constants with two underscores
__version__ = "1.2"
__author__ = "me"
__all__ = ["f"]
result = __version__, __author__, __all__

# --- semicolons and line continuation
a = 1; b = 2; c = a + \
    b
result = (a
          + b), c

# --- a long if chain
def kind(t):
    if t < 0:
        return "ice"
    elif t < 15:
        return "cold"
    elif t < 25:
        return "fine"
    else:
        return "hot"
result = [kind(t) for t in (-3, 10, 20, 30)]

# --- early return from nested loops
def find(rows, wanted):
    for y, row in enumerate(rows):
        for x, v in enumerate(row):
            if v == wanted:
                return x, y
    return None
result = find([[1, 2], [3, 4]], 3), find([], 1)

# --- matrix by nested lists
grid = [[0] * 3 for _ in range(2)]
grid[1][2] = 5
grid[0][0] += 1
result = grid, list(map(list, zip(*grid)))

# --- dict of dicts of lists
tree = {}
for room, sensor, value in [("a", "t", 1), ("a", "t", 2), ("b", "h", 3)]:
    tree.setdefault(room, {}).setdefault(sensor, []).append(value)
tree["a"]["t"][0] += 10
result = tree

# --- dispatch table
ops = {"add": lambda a, b: a + b, "mul": lambda a, b: a * b}
result = [ops[name](3, 4) for name in ("add", "mul")]

# --- complex targets in one statement
class Box:
    pass
b, d, x = Box(), {}, [0, 0, 0]
b.a, d["k"], x[1], *x[2:] = 1, 2, 3, 4, 5
result = b.a, d, x

# --- item assignment evaluates once
calls = []
def key():
    calls.append("k")
    return 0
x = [1]
x[key()] += 5
result = x, calls

# --- with a swallowed condition variable
total = 0
for i in range(1, 101):
    if i % 3 == 0 and i % 5 == 0:
        total += 15
    elif not i % 3:
        total += 3
result = total

# --- tuple as a key and unpacked loop
grid = {(x, y): x * y for x in range(3) for y in range(3) if x != y}
result = sum(v for (x, y), v in grid.items() if y), sorted(grid)[:2]

# --- multiple with items in parentheses
class C:
    def __init__(self, n): self.n = n
    def __enter__(self): return self.n
    def __exit__(self, *e): return None
with (C(1) as a, C(2) as b,):
    out = a + b
with C(3) as c, C(4):
    out += c
d = {}
with C(5) as d["k"]:
    pass
class O: pass
o = O()
with C((6, 7)) as (o.x, y):
    pass
result = out, d, o.x, y

# --- print returns nothing
result = print("a", 1, sep="-", end="!"), print(), print(*[1, 2], sep=None)
