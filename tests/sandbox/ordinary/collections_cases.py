# --- counter arithmetic
from collections import Counter
a, b = Counter("abca"), Counter(a=1, d=2)
a["z"] += 1
a.update("zz")
result = a, a["missing"], a.most_common(2), a + b, a - b, a & b, a | b, +Counter(x=-1, y=1), sorted(a.elements()), a.total(), dict(a), sum(a.values()), Counter(["x"]) == Counter(x=1), a.subtract("a"), a["a"], list(Counter("ba")), Counter(a=3) > Counter(a=2)

# --- defaultdict
from collections import defaultdict
d = defaultdict(list)
d["a"].append(1)
n = defaultdict(int)
for c in "hello":
    n[c] += 1
t = defaultdict(lambda: defaultdict(set))
t["x"]["y"].add(1)
k = defaultdict(lambda: "none", a=1)
result = d, dict(n), t["x"]["y"], k["zz"], dict(k), "b" in d, d.get("b"), n.default_factory is int, sorted(n)

# --- deque
from collections import deque
q = deque([1, 2, 3], maxlen=3)
q.append(4)
q.appendleft(0)
q.rotate(1)
r = deque("abc")
r.extend("de")
r.extendleft("zy")
x = r.pop(), r.popleft()
r[0] = "R"
r[1] += "!"
del r[2]
r.insert(1, "i")
r.remove("i")
r.reverse()
result = q, q.maxlen, x, r, list(r), len(r), r.index("R"), r.count("R"), "R" in r, r[-1], deque([1]) + deque([2]), deque([1]) * 2, deque([1]) == deque([1]), r.copy(), r.clear(), r

# --- ordered dict
from collections import OrderedDict
d = OrderedDict(a=1, b=2, c=3)
d.move_to_end("a")
d.move_to_end("c", last=False)
d["b"] += 5
result = d, d.popitem(last=False), list(d), OrderedDict(a=1) == {"a": 1}, d.popitem()

# --- chain map
from collections import ChainMap
defaults, own = {"t": 1, "h": 2}, {"t": 5}
c = ChainMap(own, defaults)
c["new"] = 1
result = c["t"], c["h"], own, c.maps, dict(c) == {"t": 5, "h": 2, "new": 1}, c.new_child({"h": 9})["h"], c.parents["t"], "h" in c, len(c), c.get("zz", 0)

# --- user dict and user list
from collections import UserDict, UserList
class Lower(UserDict):
    def __setitem__(self, k, v): super().__setitem__(k.lower(), v)
    def __getitem__(self, k): return super().__getitem__(k.lower())
class Sorted(UserList):
    def append(self, x):
        super().append(x)
        self.data.sort()
d = Lower(A=1)
d["B"] = 2
x = Sorted([3])
x.append(1)
x += [0]
result = d, d["a"], d.data, "b" in d, x, x.data, x[0], len(x)

# --- user string
from collections import UserString
class Tag(UserString):
    def shout(self): return self.upper() + "!"
result = Tag("a").shout(), Tag("a") + "b", Tag("ab")[0], Tag("x") == "x", len(Tag("abc")), str(Tag("q"))

# --- itertools, all of it
from itertools import accumulate, chain, combinations, combinations_with_replacement, compress, count, cycle, dropwhile, filterfalse, groupby, islice, pairwise, permutations, product, repeat, starmap, takewhile, tee, zip_longest
import itertools
a, b = tee(iter([1, 2, 3]))
result = (
    list(accumulate([1, 2, 3])), list(accumulate([3, 1, 4], max)), list(accumulate([1, 2], initial=10)), list(chain("ab", [1])), list(chain.from_iterable(["ab", "c"])),
    list(combinations("abc", 2)), list(combinations_with_replacement("ab", 2)), list(compress("abc", [1, 0, 1])), list(islice(count(3, 2), 3)), list(islice(cycle("ab"), 5)),
    list(dropwhile(lambda x: x < 3, [1, 3, 2])), list(filterfalse(lambda x: x % 2, range(4))), [(k, list(g)) for k, g in groupby("aabc")],
    [(k, [x["v"] for x in g]) for k, g in groupby([{"k": 1, "v": 2}, {"k": 1, "v": 3}], key=lambda x: x["k"])], list(islice("abcdef", 1, 5, 2)), list(pairwise("abc")),
    list(permutations("ab")), list(product("ab", [1, 2])), list(product("a", repeat=2)), list(repeat("x", 2)), list(starmap(pow, [(2, 3)])), list(takewhile(lambda x: x < 3, [1, 3, 2])),
    list(a), next(b), list(zip_longest("ab", "c", fillvalue="-")), list(itertools.chain([1], (2,))),
)

# --- a sorted list by insertion
values = []
def insert(v):
    lo, hi = 0, len(values)
    while lo < hi:
        mid = (lo + hi) // 2
        if values[mid] < v:
            lo = mid + 1
        else:
            hi = mid
    values.insert(lo, v)
for v in (3, 1, 2, 5, 4):
    insert(v)
result = values

# --- group by hand
from collections import defaultdict
rows = [("a", 1), ("b", 2), ("a", 3)]
groups = defaultdict(list)
for k, v in rows:
    groups[k].append(v)
result = {k: sum(v) / len(v) for k, v in groups.items()}, dict(sorted(groups.items(), key=lambda kv: -sum(kv[1])))

# --- abstract classes of collections
from collections import abc
import collections.abc as cabc
result = isinstance({}, abc.Mapping), isinstance({}, cabc.MutableMapping), isinstance((), abc.Sequence), issubclass(list, abc.MutableSequence), isinstance({1}, abc.Set), isinstance((x for x in []), abc.Generator), isinstance({}.keys(), abc.KeysView)

# --- deque as a moving window
from collections import deque
from statistics import mean
window = deque(maxlen=3)
out = []
for v in (1, 5, 9, 13):
    window.append(v)
    out.append(mean(window))
result = out
