# --- caught with its text and arguments
out = []
for bad in (lambda: int("x"), lambda: {}["a"], lambda: [][1], lambda: None.x, lambda: 1 + "a", lambda: float("z"), lambda: {}.pop("k"), lambda: next(iter([])), lambda: [].remove(1), lambda: "a".index("b"), lambda: (1).foo, lambda: len(5), lambda: [1][str()], lambda: "abc" - 1, lambda: (lambda: 1)(2), lambda: 1 / 0, lambda: 5 % 0, lambda: 2.0 // 0, lambda: chr(-1), lambda: ord("ab"), lambda: bytes([300]), lambda: "é".encode("ascii"), lambda: b"\xff".decode(), lambda: int("1" , 99), lambda: [3, "a"].sort(), lambda: sum(["a"]), lambda: max([]), lambda: "%d" % "x", lambda: "{}".format(), lambda: {[]: 1}, lambda: hash([]), lambda: range(1.5), lambda: "a" * "b", lambda: iter(5), lambda: dict([1]), lambda: (1, 2)[5], lambda: "abc"[9], lambda: [].pop(), lambda: {1, 2}.remove(9), lambda: round("x"), lambda: pow(2, -1, 4), lambda: int(None), lambda: "".join([1])):
    try:
        bad()
    except Exception as e:
        out.append((type(e).__name__, str(e), e.args))
result = out

# --- unpacking of the wrong length
out = []
for make in (lambda: [1, 2, 3], lambda: [1], lambda: 5):
    try:
        a, b = make()
    except (ValueError, TypeError) as e:
        out.append(str(e))
result = out

# --- try, except, else, finally
def f(x):
    log = []
    try:
        log.append(10 / x)
    except ZeroDivisionError as e:
        log.append(str(e))
    except (TypeError, ValueError):
        log.append("type")
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log
result = f(2), f(0), f("a")

# --- return in finally order
log = []
def f():
    try:
        return log.append("try") or "value"
    finally:
        log.append("finally")
result = f(), log

# --- finally overrides return
def f():
    try:
        return 1
    finally:
        return 2
result = f()

# --- bare except
try:
    1 / 0
except:
    result = "caught"

# --- bare except after others
try:
    [][0]
except KeyError:
    result = "key"
except:
    result = "bare"

# --- raise again
out = []
def f():
    try:
        int("x")
    except ValueError:
        out.append("seen")
        raise
try:
    f()
except ValueError as e:
    out.append(str(e))
result = out

# --- raise from
try:
    try:
        {}["a"]
    except KeyError as e:
        raise ValueError("bad") from e
except ValueError as e:
    result = str(e), repr(e.__cause__), e.__suppress_context__

# --- raise from None
try:
    try:
        {}["a"]
    except KeyError:
        raise ValueError("bad") from None
except ValueError as e:
    result = str(e), e.__cause__, e.__suppress_context__

# --- context of an error in a handler
try:
    try:
        {}["a"]
    except KeyError:
        1 / 0
except ZeroDivisionError as e:
    result = repr(e.__context__)

# --- own exceptions
class SensorError(Exception):
    """Something with a sensor."""
class TooHot(SensorError):
    def __init__(self, sensor, temp):
        super().__init__(f"{sensor}: {temp}")
        self.sensor = sensor
        self.temp = temp
try:
    raise TooHot("roof", 41)
except SensorError as e:
    result = str(e), e.sensor, e.temp, e.args, repr(e), isinstance(e, TooHot), type(e).__name__

# --- own exception with an obj and a name
class Bad(Exception):
    def __init__(self, obj, name):
        self.obj, self.name = obj, name
try:
    raise Bad([1], "n")
except Bad as e:
    e.obj.append(2)
    result = e.obj, e.name

# --- exception with its own text
class E(Exception):
    code = 7
    def __str__(self): return f"E{self.code}"
try:
    raise E
except E as e:
    result = str(e), f"{e}", repr(e), e.args

# --- exception with several arguments
e = ValueError("a", 1, None)
result = e.args, str(e), repr(e), str(ValueError()), repr(KeyError("k")), str(KeyError("k"))

# --- notes
e = ValueError("x")
e.add_note("hint")
result = e.__notes__

# --- error in else is not caught
try:
    try:
        pass
    except KeyError:
        pass
    else:
        {}["k"]
except KeyError as e:
    result = "outside", e.args

# --- exception variable is gone afterwards
e = 1
try:
    raise ValueError
except ValueError as e:
    pass
try:
    e
except NameError as gone:
    result = str(gone)

# --- except with a tuple from a name
EXPECTED = (ValueError, KeyError)
out = []
for bad in (lambda: int("q"), lambda: {}[1], lambda: [][0]):
    try:
        bad()
    except EXPECTED as e:
        out.append(type(e).__name__)
    except LookupError as e:
        out.append("lookup")
result = out

# --- class hierarchy of built-in errors
result = issubclass(KeyError, LookupError), issubclass(UnicodeDecodeError, ValueError), issubclass(ZeroDivisionError, ArithmeticError), issubclass(FileNotFoundError, OSError), issubclass(RecursionError, RuntimeError), issubclass(TimeoutError, OSError)

# --- attributes of built-in errors
out = []
try:
    b"\xff\xfe".decode("utf-8")
except UnicodeDecodeError as e:
    out.append((e.start, e.end, e.reason, e.encoding, e.object))
try:
    int("z")
except ValueError as e:
    out.append(e.args)
def g():
    return 5
    yield
i = g()
try:
    next(i)
except StopIteration as e:
    out.append(e.value)
try:
    missing_name
except NameError as e:
    out.append(e.name)
try:
    [].nope
except AttributeError as e:
    out.append(e.name)
try:
    raise OSError(2, "gone", "f")
except OSError as e:
    out.append((e.errno, e.strerror, e.filename))
result = out

# --- json errors
import json
try:
    json.loads('{"a": }')
except json.JSONDecodeError as e:
    result = e.msg, e.pos, e.lineno, e.colno, str(e), e.doc, isinstance(e, ValueError)

# --- error in a comprehension
[1 / x for x in (1, 0)]

# --- error in a generator
def g():
    yield 1
    raise RuntimeError("in g")
list(g())

# --- stop iteration inside a generator
def g():
    yield 1
    raise StopIteration
list(g())

# --- raise of something that is no exception
raise 5

# --- raise of a class and of an instance
out = []
for what in (ValueError, ValueError("i")):
    try:
        raise what
    except ValueError as e:
        out.append(e.args)
result = out

# --- exceptions compare by identity
a, b = ValueError(1), ValueError(1)
result = a == b, a == a, {type(x).__name__ for x in (a, b)}

# --- retry loop
attempts = []
def flaky():
    attempts.append(1)
    if len(attempts) < 3:
        raise TimeoutError("slow")
    return "ok"
for i in range(5):
    try:
        result = flaky(), i
        break
    except TimeoutError:
        if i == 4:
            raise

# --- nested try with different handlers
def read(d, k):
    try:
        try:
            return float(d[k])
        except KeyError:
            return float(d["default"])
    except (ValueError, TypeError, KeyError) as e:
        return type(e).__name__
result = read({"t": "1.5"}, "t"), read({"default": 2}, "t"), read({}, "t"), read({"t": "x"}, "t"), read({"t": None}, "t")

# --- warnings classes exist
result = issubclass(DeprecationWarning, Warning), issubclass(UserWarning, Exception)

# --- not implemented
class Base:
    def area(self): raise NotImplementedError("derive me")
Base().area()

# --- error of an own class
class Odd(ValueError):
    pass
raise Odd("one", 2)

# --- error in __init__
class A:
    def __init__(self): self.x = undefined
A()

# --- exception in a property
class A:
    @property
    def v(self): raise KeyError("v")
A().v

# --- assertion with a computed message
x = 3
assert x == 4, f"{x=}"

# --- key error shows repr
{"a": 1}["b"]

# --- attribute error of an own object
class A: pass
A().missing

# --- attribute error of a class
class A: pass
A.missing

# --- attribute error of a module-like thing
"x".foo

# --- local used before it is set
def f():
    x += 1
f()

# --- a local variable before assignment
def f():
    if False:
        y = 1
    return y
f()

# --- free variable before assignment
def f():
    def g(): return z
    g()
    z = 1
f()

# --- call of something that cannot be called
x = 5
x()

# --- subscript of something that has none
x = 5
x[0]

# --- item assignment to a tuple
x = (1, 2)
x[0] = 5

# --- item assignment to text
s = "abc"
s[0] = "x"

# --- list index out of range on assignment
x = [1]
x[5] = 1

# --- iteration over a number
for i in 5:
    pass

# --- unpacking too few
a, b, *c = [1]

# --- wrong number of format arguments
"%s %s" % (1,)

# --- dictionary changed during iteration
d = {1: 1}
for k in d:
    d[k + 1] = 1

# --- unhashable
{[1]: 2}

# --- bool of comparison of different types
1 < "a"

# --- contains of a number
1 in 5

# --- context manager that is none
with 5:
    pass

# --- integer text too long
int("1" * 5000)
