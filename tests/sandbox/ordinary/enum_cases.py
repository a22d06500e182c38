# --- plain
from enum import Enum
class C(Enum):
    RED = 1
    BLUE = 2
result = C(1), C["BLUE"], C.RED.name, C.RED.value, str(C.RED), repr(C.RED), [c.name for c in C], len(C), C.RED is C(1), C.RED == 1, C.RED in C, list(C), hash(C.RED) == hash(C.RED)

# --- auto
from enum import Enum, IntEnum, auto
class C(Enum):
    A = auto()
    B = auto()
    D = 10
    E = auto()
class N(IntEnum):
    LOW = auto()
    HIGH = auto()
result = [c.value for c in C], N.HIGH > N.LOW, N.HIGH + 1, N(2)

# --- aliases
from enum import Enum
class C(Enum):
    RED = 1
    ROUGE = 1
    BLUE = 2
result = C.ROUGE is C.RED, C.ROUGE.name, list(C), C["ROUGE"], list(C.__members__), C.__members__["ROUGE"]

# --- unique
from enum import Enum, unique
@unique
class C(Enum):
    A = 1
    B = 1

# --- methods, properties, class methods
from enum import Enum
class Level(Enum):
    OK = 0
    WARN = 1
    ALARM = 2
    @property
    def loud(self): return self is not Level.OK
    def worse(self, other): return self.value > other.value
    @classmethod
    def of(cls, t): return cls.ALARM if t > 30 else cls.OK
    @staticmethod
    def parse(s): return Level[s.upper()]
    def __str__(self): return self.name.lower()
result = Level.WARN.loud, Level.ALARM.worse(Level.OK), Level.of(40), Level.parse("warn"), str(Level.OK), f"{Level.OK}", [str(x) for x in Level]

# --- values of tuples with init
from enum import Enum
class Planet(Enum):
    EARTH = (5.97e24, 6.37e6)
    MARS = (6.4e23, 3.4e6)
    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius
    @property
    def gravity(self): return 6.67e-11 * self.mass / self.radius**2
result = Planet.EARTH.mass, round(Planet.MARS.gravity, 2), Planet.EARTH.value

# --- new with a value
from enum import Enum
class Unit(Enum):
    C = 1, "°C"
    F = 2, "°F"
    def __new__(cls, value, sign):
        made = object.__new__(cls)
        made._value_ = value
        made.sign = sign
        return made
result = Unit(1).sign, Unit.F.value, Unit.F

# --- text enum
from enum import StrEnum, auto
class S(StrEnum):
    ON = "on"
    OFF = auto()
result = S.ON == "on", S.ON + "!", f"{S.OFF}", str(S.ON), S("off"), "on" in list(S), S.ON.upper(), {"on": 1}[S.ON], repr(S.ON), sorted(S)

# --- mixin with str and int
from enum import Enum
class S(str, Enum):
    A = "a"
    B = "b"
class I(int, Enum):
    X = 1
result = S.A == "a", S("b"), S.A.value, I.X + 1, isinstance(S.A, str), S.A.upper(), "%s" % S.A.value

# --- int enum in json
import json
from enum import Enum, IntEnum, StrEnum
class N(IntEnum):
    A = 5
class S(StrEnum):
    B = "b"
result = json.dumps({"n": N.A, "s": S.B, S.B: 1})

# --- flags
from enum import Flag, auto
class P(Flag):
    R = auto()
    W = auto()
    X = auto()
    RW = R | W
a = P.R | P.X
a |= P.W
result = P.RW, P.R in P.RW, a, bool(P.R & P.W), ~P.R, P(3), P.R ^ P.RW, [p.name for p in P.RW], P(0), len(P.RW), a & ~P.X

# --- int flags
from enum import IntFlag
class F(IntFlag):
    A = 1
    B = 2
    C = 4
result = F.A | F.B, int(F.A | F.C), F(5), F.A & 3, F.B in F(6), F(8), F.A + 1, 2 in [F.B]

# --- unknown value and name
from enum import Enum
class C(Enum):
    A = 1
out = []
try:
    C(9)
except ValueError as e:
    out.append(str(e))
try:
    C["Z"]
except KeyError as e:
    out.append(str(e))
try:
    C.Q
except AttributeError as e:
    out.append(str(e))
result = out

# --- missing
from enum import Enum
class C(Enum):
    UNKNOWN = 0
    A = 1
    @classmethod
    def _missing_(cls, value):
        if isinstance(value, str):
            return cls[value.upper()]
        return cls.UNKNOWN
result = C(77), C("a")

# --- generate next value
from enum import Enum, auto
class C(Enum):
    @staticmethod
    def _generate_next_value_(name, start, count, last): return name.lower()
    RED = auto()
    BLUE = auto()
result = C.RED.value, C("blue")

# --- ignored names
from enum import Enum
class C(Enum):
    _ignore_ = ["i"]
    A = 1
    for i in range(3):
        pass
result = list(C)

# --- functional
from enum import Enum, Flag, IntEnum
C = Enum("C", "RED GREEN")
D = Enum("D", ["A", "B"], start=5)
E = IntEnum("E", {"X": 3})
F = Enum("F", [("P", "p"), ("Q", "q")])
G = Flag("G", "A B C")
result = [c.value for c in C], D.A.value, E.X + 1, F("q").name, (G.A | G.C).value, C.RED.name

# --- members cannot be changed
from enum import Enum
class C(Enum):
    A = 1
C.A = 2

# --- members cannot be deleted
from enum import Enum
class C(Enum):
    A = 1
del C.A

# --- value of a member cannot be changed
from enum import Enum
class C(Enum):
    A = 1
C.A.value = 2

# --- enums with members cannot be derived
from enum import Enum
class C(Enum):
    A = 1
class D(C):
    B = 2

# --- common base without members
from enum import Enum
class Base(Enum):
    def shout(self): return self.name + "!"
class C(Base):
    A = 1
result = C.A.shout()

# --- ordering by a method
from enum import Enum
class Level(Enum):
    LOW = 1
    HIGH = 2
    def __lt__(self, other): return self.value < other.value
result = sorted([Level.HIGH, Level.LOW]), max(Level), min(Level.HIGH, Level.LOW)

# --- as keys and in match
from enum import Enum
class C(Enum):
    A = "a"
    B = "b"
def f(x):
    match x:
        case C.A: return "is a"
        case C.B: return "is b"
        case _: return "other"
result = {C.A: 1}[C.A], f(C.A), f(C("b")), f(1), C.A in {C.A}

# --- boundary of flags
from enum import CONFORM, Flag, STRICT
class A(Flag, boundary=CONFORM):
    X = 1
class B(Flag, boundary=STRICT):
    X = 1
out = [A(5)]
try:
    B(6)
except ValueError as e:
    out.append(str(e).split("\n")[0])
result = out

# --- member and nonmember
from enum import Enum, member, nonmember
class C(Enum):
    A = 1
    table = nonmember({1: 2})
    f = member(len)
result = C.table, C.f.value is len, list(C)[0]

# --- iteration and containers
from enum import Enum
class C(Enum):
    A, B, D = range(3)
result = list(C), list(reversed(C)), {c.name: c.value for c in C}, [c for c in C if c.value], C.A in (C.A, C.B), dict.fromkeys(C, 0)

# --- enum inside a dataclass
from dataclasses import dataclass
from enum import Enum
class State(Enum):
    OFF = 0
    ON = 1
@dataclass
class Pump:
    state: State = State.OFF
    def toggle(self):
        self.state = State(1 - self.state.value)
        return self.state
result = Pump(), Pump().toggle(), Pump(State.ON).state.name

# --- type of a member
from enum import Enum
class C(Enum):
    A = 1
result = type(C.A) is C, isinstance(C.A, C), isinstance(C.A, Enum), C.A.__class__ is C, C.__name__, issubclass(C, Enum)
