# --- f-strings with every spec
import datetime
x, n, s = 3.14159, 42, "ab"
w, p = 10, 3
result = f"{x:.2f}|{x:10.3f}|{x:<8.1f}|{x:+.1e}|{x:%}|{x:g}|{n:05d}|{n:x}|{n:#X}|{n:b}|{n:o}|{n:c}|{n:,}|{1234567:_}|{n:>6}|{n:^6}|{s!r:>6}|{s:*^8}|{s!s}|{'é'!a}|{x:{w}.{p}f}|{s:{'>'}{w}}|{-n:+}|{n: }|{1e10:,.2f}|{True}|{None}"

# --- self-documenting
x = 3
name = "n"
result = f"{x=}", f"{x = }", f"{x+1=}", f"{name=!s}", f"{x=:>5}", f"{len(name)=}"

# --- nested quotes, braces and expressions
d = {"a": 1, "b": [1, 2]}
result = f"{{}}", f"{{{d['a']}}}", f"{d['b'][0]:>{d['a'] + 3}}", f"{'x' if d else 'y'}", f"{(lambda v: v * 2)(3)}", f"{[i for i in range(3)]}", f"{ {1: 2}[1] }", f"{f'{1}' + f'{2}'}"

# --- several lines
v = 5
result = f"""a
{v}
  {v:>3}""", f"a" "b" f"{v}" 'c', rf"\d{v}\n", f"\t{v}\u00e9"

# --- dates
import datetime
t = datetime.datetime(2026, 3, 4, 5, 6, 7)
result = f"{t:%Y-%m-%d %H:%M}", f"{t.date():%d.%m.%y}", f"{t:%A %B %j %U}", "{:%H:%M:%S}".format(t), format(t, "%y"), f"{t!s}", f"{t!r}", f"{datetime.timedelta(hours=1.5)}", f"{t:}", f"{t.time():%Hh}"

# --- str.format
class P:
    x = 4
    def __init__(self): self.y = {"k": [7, 8]}
p = P()
result = "{} {}".format(1, 2), "{1} {0}".format(1, 2), "{a} {b!r}".format(a=1, b="x"), "{0.x} {p.y}".format(p, p=p), "{p.y[k][1]}".format(p=p), "{l[0]} {d[k]}".format(l=[1], d={"k": 2}), "{:>4}|{:<4}|{:^4}".format(1, 2, 3), "{:{w}.{p}f}".format(1.5, w=8, p=2), "{:{}}".format("a", 4), "{{}}".format(), "{!s:>3}".format(5), "{0:{0.real}d}".format(3), "{:,}".format(10**6), "{0!a}".format("é"), "{:%}".format(0.5), "{:08b}".format(5)

# --- format errors
out = []
for t, a in (("{", ()), ("{}", ()), ("{a}", ()), ("{0}{}", (1, 2)), ("{:d}", ("x",)), ("{:.2f}", ("a",)), ("{!z}", (1,)), ("{0.nope}", (1,)), ("{0[9]}", ([1],)), ("}", ()), ("{0.real.imag.x}", (1,))):
    try:
        out.append(t.format(*a))
    except Exception as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- format_map
class Default(dict):
    def __missing__(self, k): return "?" + k
result = "{a}".format_map({"a": 1}), "{a} {b}".format_map(Default(a=1)), "{a[0]} {a[1].real}".format_map({"a": [1, 2]}), "{p.x}".format_map({"p": type("x") if False else "s"}) if False else ""

# --- format as a value
f = "{:02x}".format
g = str.format
result = "".join(map(f, b"ab\x01")), list(map("{}-{}".format, "ab", "cd")), g("{0}", 1), "".join(map("{:>3}".format, [1, 2])), getattr("{}", "format")(3)

# --- percent formatting
result = "%s %d %05.1f %x %r %c %% %e %g %+d %-5s| %5s %i %o" % ("x", 5, 2.25, 255, "q", "c", 1.5, 1.5, 3, "ab", "cd", 4, 8), "%(a)s %(b)05d" % {"a": 1, "b": 2}, "%s" % (1,), "%s" % [1, 2], "%*d" % (5, 3), "%.3s" % "abcdef", b"%d %s" % (1, b"x"), "%s" % None, "%s %s" % ("a", ("b", 1))

# --- percent errors
out = []
for t, a in (("%d", "x"), ("%s %s", "x"), ("%s", (1, 2)), ("%(a)s", {}), ("%q", 1), ("%c", "ab")):
    try:
        out.append(t % a)
    except Exception as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- format function
result = format(3.14159, ".3f"), format(255, "x"), format("a", ">4"), format(5), format(1234.5, ",.1f"), format(True, "d"), format([1])

# --- template
from string import Template
t = Template("$who sees ${what}s, $$5")
out = [t.substitute(who="I", what="cat"), t.safe_substitute(who="I"), t.template, t.get_identifiers(), t.is_valid()]
try:
    t.substitute(who="I")
except KeyError as e:
    out.append(str(e))
try:
    Template("$ x").substitute()
except ValueError as e:
    out.append(str(e))
result = out

# --- template with its own delimiter
from string import Template
class T(Template):
    delimiter = "%"
    idpattern = "[a-z]+"
result = T("%a $b %%").substitute(a=1)

# --- own __format__
class Temp:
    def __init__(self, c): self.c = c
    def __format__(self, spec):
        unit = spec[-1:] or "C"
        v = self.c if unit == "C" else self.c * 9 / 5 + 32
        return f"{v:.1f}°{unit}"
result = f"{Temp(20)}", f"{Temp(20):F}", "{:F}".format(Temp(0)), format(Temp(1), "C"), "{t:F}".format(t=Temp(100))

# --- numbers in words of their own
result = f"{0.1 + 0.2}", f"{1e16}", f"{1e-7}", f"{float('inf')}", f"{float('nan'):.1f}", f"{-0.0}", f"{2**70}", repr(0.1), str(1.0), f"{1.0:g}", f"{123456789.0:g}", f"{12.5:.0f}", f"{2.5:.0f}", round(2.5), round(-1.5)

# --- alignment of a table
rows = [("roof", 21.456, True), ("cellar", -3.2, False)]
result = "\n".join(f"{name:<10}|{t:>8.2f}|{'yes' if ok else 'no':^5}" for name, t, ok in rows)

# --- joining
result = ", ".join(f"{k}={v}" for k, v in {"a": 1, "b": 2}.items()), "".join(["a", "b"]), "\n".join(map(str, range(3))), "-".join("abc"), b",".join([b"a", b"b"])

# --- conversion of objects
class A:
    def __repr__(self): return "<A>"
result = f"{A()}", f"{A()!s}", f"{[A()]}", str({"a": A()}), "%r" % A(), "{!r}".format(A()), repr((A(),))

# --- decimal and fraction specs
from decimal import Decimal
from fractions import Fraction
result = f"{Decimal('1.005'):.2f}", f"{Decimal('12345.678'):,.1f}", f"{Decimal('0.5'):%}", f"{Decimal(5):>6}", f"{Fraction(1, 3)}", str(Decimal("1E+5"))

# --- enum and bool specs
from enum import Enum, IntEnum
class C(Enum):
    A = 1
class N(IntEnum):
    B = 2
result = f"{C.A}", f"{C.A!r}", f"{N.B}", f"{N.B:>4}", f"{C.A:>6}", f"{True:d}", f"{C.A.value:03d}"

# --- attributes of fields without a number
class Sensor:
    name, place = "t1", "hall"
result = "{.name} {} {.place:>{}}".format(Sensor, 5, Sensor, 8), "{[0]} {.real}".format("ab", 3)

# --- fields with and without a number in one template
def said(template):
    try:
        return template.format(1, 2)
    except ValueError as error:
        return str(error)
result = said("{.real} {0.real}"), said("{0.real} {.real}"), said("{0.real} {}"), said("{.real} {0}")
