# --- parameters of every kind
def f(a, /, b, *c, d=4, **e):
    return a, b, c, d, e
result = f(1, 2, 3, x=5), f(1, b=2), f(1, 2, d=0)

# --- keyword only without varargs
def f(a, *, b, c=3):
    return a + b + c
result = f(1, b=2), f(a=1, b=2, c=0)

# --- positional only with the same keyword
def f(a, /, **k):
    return a, k
result = f(1, a=2)

# --- missing argument
def f(a, b): pass
f(1)

# --- unexpected keyword
def f(a): pass
f(a=1, zz=2)

# --- positional only given by name
def f(a, /): pass
f(a=1)

# --- too many arguments
def f(a): pass
f(1, 2)

# --- mutable default
def f(x, seen=[]):
    seen.append(x)
    return seen
f(1)
result = f(2)

# --- defaults are made once
n = 1
def f(x=n): return x
n = 2
result = f()

# --- closures with defaults
def counter(start=0, step=1):
    n = start
    def up():
        nonlocal n
        n += step
        return n
    def reset():
        nonlocal n
        n = start
    return up, reset
up, reset = counter(5, 2)
a = up(), up()
reset()
result = a, up()

# --- decorators
def twice(f):
    def g(*a, **k):
        return f(*a, **k) * 2
    return g
@twice
@twice
def f(x, *, y=1):
    return x + y
result = f(1, y=2)

# --- decorator with arguments and wraps
from functools import wraps
def retry(times=3):
    def decorate(f):
        @wraps(f)
        def g(*a, **k):
            """Inner."""
            for i in range(times):
                try:
                    return f(*a, **k), i
                except ValueError:
                    continue
        return g
    return decorate
calls = []
@retry(times=5)
def shaky(x):
    """Shaky."""
    calls.append(x)
    if len(calls) < 3:
        raise ValueError
    return x
result = shaky("a"), shaky.__name__, shaky.__doc__

# --- decorator class
class Count:
    def __init__(self, f):
        self.f = f
        self.calls = 0
    def __call__(self, *a):
        self.calls += 1
        return self.f(*a)
@Count
def f(x): return x * 2
f(1)
result = f(2), f.calls

# --- decorator from an expression
decorators = [lambda f: (lambda: f() + 1)]
@decorators[0]
def f(): return 1
result = f()

# --- registering decorator
handlers = {}
def handles(kind):
    def add(f):
        handles.count = 1
        handlers[kind] = f
        return f
    return add
class R: pass
handlers["x"] = len
result = sorted(handlers)

# --- registry of functions
handlers = {}
def handles(kind):
    def add(f):
        handlers[kind] = f
        return f
    return add
@handles("temp")
def temp(v): return v * 2
@handles("hum")
def hum(v): return v + 1
result = {k: f(10) for k, f in handlers.items()}

# --- name of a function
def f(): pass
result = f.__name__, (lambda: 1).__name__, len.__name__, f.__qualname__

# --- documentation of a function
def f():
    """Words."""
result = f.__doc__

# --- recursion with a memo
def fib(n, memo={}):
    if n not in memo:
        memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return memo[n]
result = fib(60)

# --- too deep
def f(n): return f(n + 1)
try:
    f(0)
except RecursionError as e:
    result = type(e).__name__, str(e)[:32]

# --- functions as values
def compose(*fs):
    def run(x):
        for f in fs:
            x = f(x)
        return x
    return run
result = compose(abs, str, len)(-1234), list(map(str.upper, ["a"])), sorted(["B", "a"], key=str.lower)

# --- partial
from functools import partial
def f(a, b, c=3): return a, b, c
p = partial(f, 1, c=9)
result = p(2), p.args, p.keywords, p.func(1, 2)

# --- reduce with and without a start
from functools import reduce
result = reduce(lambda a, b: a * b, [1, 2, 3, 4]), reduce(lambda a, b: a + [b], "ab", [])

# --- caches
from functools import cache, lru_cache
calls = []
@lru_cache(maxsize=2)
def f(x):
    calls.append(x)
    return x * 2
@lru_cache
def g(x): return x
@cache
def h(x): return x + 1
f(1); f(1); f(2); f(3); f(1)
result = calls, f.cache_info().hits, f.cache_info().maxsize, g(1), h(2), f.cache_clear(), f.cache_info().currsize

# --- cached method
from functools import lru_cache
class A:
    @lru_cache(maxsize=None)
    def f(self, x): return x + 1
result = A().f(2)

# --- cached property
from functools import cached_property
class C:
    n = 0
    @cached_property
    def v(self):
        self.n += 1
        return self.n
c = C()
a = c.v, c.v
del c.v
result = a, c.v

# --- single dispatch
from functools import singledispatch
@singledispatch
def show(x): return "any"
@show.register(int)
def _(x): return "int"
@show.register(list)
def _(x): return "list"
@show.register
def _(x: str): return "str"
result = show(1), show([]), show("a"), show(1.5), show(True)

# --- total ordering
from functools import total_ordering
@total_ordering
class V:
    def __init__(self, n): self.n = n
    def __eq__(self, o): return self.n == o.n
    def __lt__(self, o): return self.n < o.n
result = V(1) <= V(2), V(3) > V(2), V(1) >= V(1), max([V(1), V(5)]).n

# --- sorting by a comparison
from functools import cmp_to_key
result = sorted([3, 1, 2], key=cmp_to_key(lambda a, b: b - a))

# --- partialmethod
from functools import partialmethod
class Lamp:
    def set(self, on): self.on = on; return on
    up = partialmethod(set, True)
    down = partialmethod(set, False)
result = Lamp().up(), Lamp().down()

# --- call with unpacked generators
def f(*a): return a
result = f(*(x for x in range(3))), f(*"ab", *{"k": 1}), max(*[1, 5, 2])

# --- keyword names from a dict
def f(**k): return sorted(k.items())
result = f(**{"a": 1}, **dict(b=2))

# --- doubled keyword
def f(**k): return k
f(**{"a": 1}, **{"a": 2})

# --- star after a keyword
def f(a, b): return a, b
result = f(b=1, *[2])

# --- a default that refers to an earlier function
def base(): return 3
def f(x=base()): return x
result = f()

# --- nested decorators keep order
order = []
def mark(n):
    def d(f):
        order.append(n)
        return f
    return d
@mark(1)
@mark(2)
def f(): pass
result = order

# --- function attributes are counters in ordinary code
def f():
    f.calls += 1
    return f.calls
f.calls = 0
f()
result = f(), hasattr(f, "calls")

# --- a callback
out = []
def each(items, done=None, *, error=print):
    for i in items:
        out.append(i)
    if done is not None:
        done(len(out))
each([1, 2], done=out.append)
result = out

# --- currying with lambda
add = lambda a: lambda b: lambda c: a + b + c
result = add(1)(2)(3)

# --- early binding by default argument
fs = {}
for name in ("a", "b"):
    def f(x, name=name):
        return name + x
    fs[name] = f
result = fs["a"]("1"), fs["b"]("2")

# --- star args are tuples and kwargs dicts
def f(*a, **k):
    a += (1,)
    k["z"] = 1
    return a, k
result = f(0, y=2)

# --- overloads
from typing import overload
@overload
def f(x: int) -> int: ...
@overload
def f(x: str) -> str: ...
def f(x): return x
result = f(1), f("a")
