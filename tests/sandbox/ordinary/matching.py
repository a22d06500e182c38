# --- every safe kind of pattern
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int = 0
class Q:
    __match_args__ = ("a", "b")
    def __init__(self, a, b): self.a, self.b = a, b
LIMIT = 30
class K:
    FOUR = 4
def f(v):
    match v:
        case 0: return "zero"
        case -1 | 1: return "one"
        case 2.5: return "float"
        case 3 + 4j: return "complex"
        case K.FOUR: return "four"
        case "a" | "b" as s: return "text", s
        case b"x": return "bytes"
        case None: return "none"
        case True: return "true"
        case False: return "false"
        case int(n) if n > LIMIT: return "big", n
        case int() as n: return "int", n
        case float(x): return "float", x
        case str(s) if s.startswith("z"): return "z", s
        case str(): return "str"
        case []: return "empty"
        case [x]: return "one item", x
        case [1, 2, *rest]: return "12", rest
        case [[a, b], (c, d)]: return "nested", a, b, c, d
        case [first, *_, last]: return "ends", first, last
        case {"type": "env", "t": float(t), **rest}: return "env", t, rest
        case {"type": "list", "items": [{"id": i}, *_]}: return "list", i
        case {"a": {"b": [_, x]}}: return "deep", x
        case {}: return "dict"
        case P(0, y): return "p0", y
        case P(x=x, y=0): return "px", x
        case P(): return "p"
        case Q(a, b=b): return "q", a, b
        case (list() | tuple()): return "seq"
        case _: return "other"
result = [f(v) for v in (0, -1, 1, 2.5, 3 + 4j, 4, "a", b"x", None, True, False, 31, 7, 1.5, "zed", "q", [], [9], [1, 2, 3], [[1, 2], (3, 4)], [5, 6, 7], {"type": "env", "t": 1.5, "u": 2}, {"type": "list", "items": [{"id": 3}, 1]}, {"a": {"b": [1, 2]}}, {"z": 1}, P(0, 1), P(1), P(1, 2), Q(1, 2), {1}, (), range(3))]

# --- no case fits
x = "kept"
match 5:
    case 6:
        x = "changed"
result = x

# --- captured names stay
match [1, [2, 3]]:
    case [a, [b, *c]]:
        pass
result = a, b, c

# --- strings are not sequences
def f(v):
    match v:
        case [*items]: return "sequence"
        case _: return "other"
result = f("ab"), f(b"ab"), f([1]), f((1,)), f({1})

# --- guards with side effects
log = []
def check(v):
    log.append(v)
    return v > 1
def f(v):
    match v:
        case int(n) if check(n): return "big"
        case int(n) if check(n + 1): return "medium"
        case _: return "small"
result = f(2), f(1), f(0), log

# --- sub-patterns with as
match {"point": (1, 2)}:
    case {"point": (int() as x, _) as p}:
        result = x, p

# --- mapping with a default by rest
def f(d):
    match d:
        case {"cmd": "set", "value": v, **rest} if not rest: return "exact", v
        case {"cmd": "set", "value": v}: return "more", v
        case {"cmd": cmd}: return cmd
result = f({"cmd": "set", "value": 1}), f({"cmd": "set", "value": 1, "x": 2}), f({"cmd": "get"}), f({})

# --- value patterns with dotted names
import math
from enum import Enum
class C(Enum):
    A = 1
def f(v):
    match v:
        case math.pi: return "pi"
        case C.A: return "A"
result = f(math.pi), f(C.A), f(C(1)), f(0)

# --- or with captures
def f(v):
    match v:
        case ["go", d] | ["move", d, _]: return d
        case {"x": n} | {"y": n}: return n
result = f(["go", "n"]), f(["move", "s", 1]), f({"y": 2})

# --- class patterns of built-ins
def f(v):
    match v:
        case bool(b): return "bool", b
        case int(n): return "int", n
        case bytes(b): return "bytes", b
        case bytearray(): return "bytearray"
        case dict(d): return "dict", d
        case list(x): return "list", x
        case set(s): return "set", s
        case frozenset(s): return "frozenset"
        case tuple(t): return "tuple", t
        case str(s): return "str", s
result = [f(v) for v in (True, 1, b"a", bytearray(), {"a": 1}, [1], {2}, frozenset(), (3,), "s")]

# --- named tuples
from collections import namedtuple
from typing import NamedTuple
P = namedtuple("P", "x y")
class R(NamedTuple):
    id: str
    t: float
def f(v):
    match v:
        case P(x, y): return "p", x, y
        case R(id=i, t=t) if t > 1: return "r", i, t
        case (a, b): return "tuple", a, b
result = f(P(1, 2)), f(R("a", 2.0)), f(R("a", 0.0)), f((5, 6))

# --- user's mappings and sequences
from collections import OrderedDict, UserDict, UserList, deque, defaultdict
def f(v):
    match v:
        case {"a": x}: return "map", x
        case [x, *_]: return "seq", x
        case _: return "other"
result = f(OrderedDict(a=1)), f(UserDict(a=2)), f(UserList([3])), f(deque([4])), f(defaultdict(int)), f({}), f(iter([1]))

# --- match is also a name
match = 5
case = match + 1
result = match, case

# --- nested match in a loop
out = []
for v in [1, "a", [2]]:
    match v:
        case int():
            continue
        case [x]:
            match x:
                case 2:
                    out.append("two")
                    break
        case _:
            out.append(v)
result = out

# --- exceptions and own hierarchies
class Shape: pass
class Circle(Shape):
    def __init__(self, r): self.r = r
class Square(Shape):
    def __init__(self, a): self.a = a
def f(s):
    match s:
        case Circle(r=r): return 3 * r
        case Square(a=a): return a * a
        case Shape(): return 0
        case Exception(args=(x, *_)): return x
        case ValueError() | KeyError(): return "err"
result = f(Circle(2)), f(Square(3)), f(Shape()), f(ValueError("v", 1))

# --- commands as text
def run(line):
    match line.split():
        case ["set", name, value] if value.isdecimal(): return {name: int(value)}
        case ["set", name, *_]: raise ValueError(f"bad value for {name}")
        case ["get", *names]: return names
        case []: return "nothing"
        case [other, *_]: return f"unknown {other}"
result = run("set a 5"), run("get a b"), run(""), run("x y")
