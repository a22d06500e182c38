# --- threshold with hysteresis
class Alarm:
    def __init__(self, high, low):
        self.high, self.low, self.active = high, low, False
    def feed(self, t):
        was = self.active
        if t > self.high:
            self.active = True
        elif t < self.low:
            self.active = False
        return {(False, True): "raised", (True, False): "cleared"}.get((was, self.active))
a = Alarm(30, 25)
result = [a.feed(t) for t in (20, 31, 28, 24, 26)]

# --- frames of a serial device
import struct
from dataclasses import dataclass
@dataclass(frozen=True)
class Frame:
    version: int
    kind: int
    length: int
    device: str
    rssi: int
    values: tuple
LAYOUTS = {"0123": ("<ff", ("temp", "hum")), "0124": ("<f", ("hpa",))}
def parse(raw: bytes) -> Frame:
    version, kind, length, _time = struct.unpack_from("<BBHI", raw)
    device = raw[8:16][::-1].hex()
    sensor = raw[16:18][::-1].hex()
    rssi = struct.unpack_from("<b", raw, 18)[0]
    form, names = LAYOUTS[sensor]
    return Frame(version, kind, length, device, rssi, tuple(zip(names, struct.unpack_from(form, raw, 29))))
result = parse(bytes.fromhex("010010006f19036801020304050607082301d4ffff6400c64d036801000000cc4100005142"))

# --- join pieces of frames
buffer = bytearray()
def feed(piece):
    buffer.extend(piece)
    out = []
    while len(buffer) >= 2:
        size = buffer[1]
        if len(buffer) < 2 + size:
            break
        out.append(bytes(buffer[2 : 2 + size]))
        del buffer[: 2 + size]
    return out
result = feed(b"\x01\x03ab"), feed(b"c\x01\x01"), feed(b"d\x01"), bytes(buffer)

# --- moving average per sensor
from collections import defaultdict, deque
kept = defaultdict(lambda: deque(maxlen=3))
def average(reading):
    q = kept[reading["id"]]
    q.append(float(reading["temp"]))
    return round(sum(q) / len(q), 2)
result = [average({"id": i, "temp": t}) for i, t in (("a", "1"), ("b", 5), ("a", 2), ("a", "4.5"), ("a", 9))]

# --- flatten nested json
def flatten(value, prefix=""):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from flatten(v, f"{prefix}.{k}" if prefix else k)
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from flatten(v, f"{prefix}[{i}]")
    else:
        yield prefix, value
result = dict(flatten({"a": {"b": [1, {"c": 2}]}, "d": None}))

# --- numeric values of a message, numeric text too
import math
def numbers(d):
    out = {}
    for k, v in d.items():
        if isinstance(v, bool):
            continue
        if isinstance(v, str):
            try:
                v = float(v)
            except ValueError:
                continue
        if isinstance(v, (int, float)) and math.isfinite(v):
            out[k] = v
    return out
result = numbers({"id": "101", "name": "env", "temp": "25.6", "hum": 52, "ok": True, "bad": "nan", "none": None})

# --- unit conversion table
CONVERT = {("C", "F"): lambda t: t * 9 / 5 + 32, ("F", "C"): lambda t: (t - 32) * 5 / 9, ("C", "K"): lambda t: t + 273.15}
def convert(t, a, b):
    try:
        return round(CONVERT[a, b](t), 2)
    except KeyError:
        raise ValueError(f"no way from {a} to {b}") from None
result = convert(100, "C", "F"), convert(32, "F", "C")

# --- state machine with an enum and a table
from enum import Enum, auto
class S(Enum):
    IDLE = auto()
    HEATING = auto()
    COOLING = auto()
NEXT = {(S.IDLE, "cold"): S.HEATING, (S.IDLE, "hot"): S.COOLING, (S.HEATING, "ok"): S.IDLE, (S.COOLING, "ok"): S.IDLE}
state = S.IDLE
trace = []
for event in ("cold", "hot", "ok", "hot", "ok"):
    state = NEXT.get((state, event), state)
    trace.append(state.name)
result = trace

# --- rate of change
from datetime import datetime, timedelta, timezone
t0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
points = [(t0 + timedelta(minutes=i), 20 + i * 0.5) for i in range(4)]
def slope(points):
    (ta, a), (tb, b) = points[0], points[-1]
    return (b - a) / ((tb - ta).total_seconds() / 3600)
result = slope(points), [p[0].isoformat() for p in points][-1]

# --- daily minimum and maximum
from datetime import datetime
from itertools import groupby
rows = [("2026-01-01T08:00", 3), ("2026-01-01T12:00", 9), ("2026-01-02T08:00", 4)]
by_day = groupby(((datetime.fromisoformat(t), v) for t, v in rows), key=lambda r: r[0].date())
result = {day.isoformat(): (min(v), max(v)) for day, g in by_day for v in [[x for _, x in g]]}

# --- outliers
from statistics import mean, stdev
def outliers(values, k=2):
    m, s = mean(values), stdev(values)
    return [(i, v) for i, v in enumerate(values) if abs(v - m) > k * s]
result = outliers([10, 11, 9, 10, 10, 30, 11, 10])

# --- validation with all problems
def problems(d):
    rules = {"id": (str, lambda v: v), "temp": ((int, float), lambda v: -50 <= v <= 100), "hum": ((int, float), lambda v: 0 <= v <= 100)}
    for key, (kind, ok) in rules.items():
        if key not in d:
            yield f"{key} is missing"
        elif not isinstance(d[key], kind):
            yield f"{key} must be {kind}"
        elif not ok(d[key]):
            yield f"{key} is {d[key]!r}"
result = list(problems({"id": "", "temp": "hot"})), list(problems({"id": "a", "temp": 20, "hum": 50}))

# --- beacons near
beacons = [{"uuid": "A", "rssi": -60}, {"uuid": "B", "rssi": -80}, {"uuid": "A", "rssi": -55}]
best = {}
for b in beacons:
    if b["rssi"] > best.get(b["uuid"], {"rssi": -999})["rssi"]:
        best[b["uuid"]] = b
result = sorted(best.values(), key=lambda b: b["rssi"], reverse=True)

# --- a table of handlers with a decorator
handlers = {}
def command(name, *, args=0):
    def add(f):
        handlers[name] = f, args
        return f
    return add
@command("add", args=2)
def add(a, b): return float(a) + float(b)
@command("ping")
def ping(): return "pong"
def run(line):
    name, *args = line.split()
    if name not in handlers:
        return f"unknown: {name}"
    f, n = handlers[name]
    return f(*args) if len(args) == n else f"{name} takes {n}"
result = run("add 1 2"), run("ping"), run("add 1"), run("zap")

# --- e-mail subject and recipients
mail = {"from": "a@x.org", "to": ["b@y.org", "c@x.org"], "subject": "Re: ALARM pump 3", "timestamp": 1767225600}
import re
m = re.search(r"alarm\s+(?P<what>\w+)\s+(?P<n>\d+)", mail["subject"], re.I)
result = m.groupdict(), {a.partition("@")[2] for a in mail["to"]} == {"x.org", "y.org"}

# --- brightness of raw pixels
w, h = 4, 2
raw = bytes(range(w * h * 3))
rows = [raw[y * w * 3 : (y + 1) * w * 3] for y in range(h)]
grey = [[sum(row[x * 3 : x * 3 + 3]) // 3 for x in range(w)] for row in rows]
result = grey, max(map(max, grey)), raw[::3].hex()

# --- energy by integration
points = [(0, 100), (60, 200), (180, 50)]
wh = sum((t1 - t0) * (p0 + p1) / 2 for (t0, p0), (t1, p1) in zip(points, points[1:])) / 3600
result = round(wh, 4)

# --- a small lru of last seen
from collections import OrderedDict
class Seen:
    def __init__(self, n): self.n, self.d = n, OrderedDict()
    def add(self, k):
        new = k not in self.d
        self.d[k] = True
        self.d.move_to_end(k)
        while len(self.d) > self.n:
            self.d.popitem(last=False)
        return new
s = Seen(2)
result = [s.add(k) for k in "abacb"], list(s.d)

# --- a scheduler of windows with cron-like fields
def due(spec, minute, hour):
    def fits(field, v):
        if field == "*":
            return True
        if field.startswith("*/"):
            return v % int(field[2:]) == 0
        return v in {int(x) for x in field.split(",")}
    m, h = spec.split()
    return fits(m, minute) and fits(h, hour)
result = due("*/15 *", 30, 3), due("0,30 8", 30, 9), due("5 *", 5, 1)

# --- template of a text
rows = [{"name": "roof", "t": 21.456}, {"name": "cellar", "t": None}]
def line(r):
    t = "—" if r["t"] is None else f"{r['t']:.1f} °C"
    return f"• {r['name']:<8} {t:>9}"
result = "\n".join(map(line, rows))

# --- deep get and set
def get(d, path, default=None):
    for key in path.split("."):
        if isinstance(d, list) and key.isdecimal() and int(key) < len(d):
            d = d[int(key)]
        elif isinstance(d, dict) and key in d:
            d = d[key]
        else:
            return default
    return d
def put(d, path, v):
    *parents, last = path.split(".")
    for p in parents:
        d = d.setdefault(p, {})
    d[last] = v
x = {"a": {"b": [1, {"c": 2}]}}
put(x, "n.m.o", 5)
result = get(x, "a.b.1.c"), get(x, "a.z", 0), x

# --- exponential smoothing with a closure
def smooth(alpha):
    last = None
    def feed(v):
        nonlocal last
        last = v if last is None else alpha * v + (1 - alpha) * last
        return last
    return feed
f = smooth(0.5)
result = [f(v) for v in (10, 20, 20, 0)]

# --- pid controller
class Pid:
    __slots__ = ("kp", "ki", "kd", "_sum", "_last")
    def __init__(self, kp, ki, kd):
        self.kp, self.ki, self.kd = kp, ki, kd
        self._sum = 0.0
        self._last = None
    def step(self, error, dt=1.0):
        self._sum += error * dt
        d = 0.0 if self._last is None else (error - self._last) / dt
        self._last = error
        return self.kp * error + self.ki * self._sum + self.kd * d
p = Pid(1, 0.1, 0.5)
result = [round(p.step(e), 3) for e in (5, 3, 1)]

# --- matrix operations
def mul(a, b): return [[sum(x * y for x, y in zip(row, col)) for col in zip(*b)] for row in a]
result = mul([[1, 2], [3, 4]], [[5, 6], [7, 8]]), [list(r) for r in zip(*[[1, 2], [3, 4]])]

# --- priority by a heap of one's own
tasks = []
def push(p, name):
    tasks.append((p, name))
    tasks.sort()
push(2, "b"); push(1, "a"); push(3, "c")
result = tasks.pop(0), tasks

# --- text report with counts
from collections import Counter
log = ["ok", "error", "ok", "warn", "ok"]
c = Counter(log)
result = [f"{k:>6}: {'#' * n} ({n / len(log):.0%})" for k, n in c.most_common()]

# --- bit flags of a status byte
from enum import IntFlag
class Status(IntFlag):
    POWER = 1
    ALARM = 2
    LOW_BATTERY = 4
s = Status(0b101)
result = [f.name for f in Status if f in s], Status.ALARM in s, s & Status.POWER == Status.POWER

# --- merge with defaults
DEFAULTS = {"unit": "C", "limits": {"low": 0, "high": 30}}
def merged(a, b):
    out = dict(a)
    for k, v in b.items():
        out[k] = merged(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out
result = merged(DEFAULTS, {"limits": {"high": 35}, "name": "x"}), DEFAULTS
