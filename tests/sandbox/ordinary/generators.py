# --- values, return value and yield from
def inner():
    yield 1
    return "r"
def outer():
    got = yield from inner()
    yield got
    yield from [2, 3]
    yield from "ab"
result = list(outer())

# --- send
def average():
    total = n = 0
    mean = None
    while True:
        v = yield mean
        total += v
        n += 1
        mean = total / n
g = average()
next(g)
result = g.send(10), g.send(20), g.send(3)

# --- throw and close
log = []
def g():
    try:
        yield 1
        yield 2
    except ValueError as e:
        log.append(str(e))
        yield "handled"
    finally:
        log.append("closed")
a = g()
next(a)
b = a.throw(ValueError("v"))
a.close()
result = b, log

# --- close runs finally
log = []
def g():
    try:
        while True:
            yield 1
    finally:
        log.append("done")
a = g()
next(a)
a.close()
result = log, list(a)

# --- generator expressions are lazy
seen = []
def see(x):
    seen.append(x)
    return x
g = (see(x) for x in range(3))
first = next(g)
result = first, list(seen), sum(g), seen

# --- pipeline
def lines(text):
    for line in text.splitlines():
        yield line.strip()
def numbers(rows):
    for row in rows:
        try:
            yield float(row)
        except ValueError:
            continue
def window(values, n):
    kept = []
    for v in values:
        kept.append(v)
        if len(kept) > n:
            kept.pop(0)
        yield sum(kept) / len(kept)
result = list(window(numbers(lines("1\n x\n 2\n3\n")), 2))

# --- infinite with islice
from itertools import count, islice, takewhile
def squares():
    n = 0
    while True:
        yield n * n
        n += 1
result = list(islice(squares(), 4)), list(takewhile(lambda x: x < 20, squares())), next(count(5))

# --- next with a default
g = (x for x in [])
result = next(g, "none"), next(iter([1]), None), next((x for x in range(9) if x > 5), None)

# --- iter with a sentinel
values = [3, 2, 1, 0, 9]
result = list(iter(lambda: values.pop(0), 0)), values

# --- generator method of a class
class Tree:
    def __init__(self, v, *kids): self.v, self.kids = v, kids
    def __iter__(self):
        yield self.v
        for k in self.kids:
            yield from k
    def walk(self, depth=0):
        yield depth, self.v
        for k in self.kids:
            yield from k.walk(depth + 1)
t = Tree(1, Tree(2, Tree(3)), Tree(4))
result = list(t), list(t.walk())

# --- exhausted generators stay so
g = (x for x in "ab")
result = list(g), list(g)

# --- stop iteration carries the value
def g():
    yield 1
    return {"total": 1}
i = g()
next(i)
try:
    next(i)
except StopIteration as stop:
    result = stop.value

# --- unpacking a generator
def g():
    yield from range(3)
a, b, c = g()
x, *y = g()
result = a, b, c, x, y, max(g()), sorted(g(), reverse=True), dict(zip("abc", g())), ",".join(str(v) for v in g())

# --- zip, map, filter are iterators
z = zip("ab", [1, 2])
m = map(lambda a, b: a + b, [1, 2], [3, 4])
f = filter(lambda x: x > 1, [1, 2, 3])
result = next(z), list(z), next(m), list(m), list(f), list(map(str, [1])), list(filter(None, [0, 1, "", "a"]))

# --- nested generators with closures
def make(n):
    def g():
        for i in range(n):
            yield i, n
    return g
result = list(make(2)()), [list(g()) for g in (make(1), make(0))]

# --- deque fed by a generator
from collections import deque
result = deque((x for x in range(9)), maxlen=3), deque(maxlen=2)

# --- a coroutine style state machine
def machine():
    state = "off"
    while True:
        event = yield state
        if event == "toggle":
            state = "on" if state == "off" else "off"
        elif event is None:
            return
m = machine()
out = [next(m), m.send("toggle"), m.send("noise"), m.send("toggle")]
try:
    m.send(None)
except StopIteration:
    out.append("end")
result = out

# --- chunks
def chunks(data, n):
    for i in range(0, len(data), n):
        yield data[i : i + n]
result = list(chunks("abcdefg", 3)), list(chunks(b"\x01\x02\x03", 2)), list(chunks([1, 2, 3, 4], 2))

# --- generator already running
def g():
    yield next(me)
me = g()
next(me)

# --- sending to a generator that has not begun
def g():
    x = yield
g().send(1)

# --- yield as an expression
def g():
    x = (yield "a") or "none"
    y = [(yield x), (yield "c")]
    yield y
i = g()
result = next(i), i.send("b"), i.send(1), i.send(2)

# --- lambda generator
f = lambda: (yield)
g = f()
next(g)
try:
    g.send(5)
except StopIteration as e:
    result = e.value

# --- reversed and enumerate
result = list(reversed(range(3))), list(enumerate("ab", start=5)), list(reversed("abc")), list(reversed({"a": 1, "b": 2}))

# --- conditions in generator expressions
data = [{"t": 20}, {"t": None}, {}, {"t": 30}]
result = sum(d["t"] for d in data if d.get("t") is not None), max((d["t"] for d in data if d.get("t")), default=0), any("t" in d for d in data), all(d for d in data)
