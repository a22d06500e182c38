# --- numbers
result = abs(-1.5), divmod(7, 2), divmod(-7, 2), pow(2, 10), pow(2, 5, 7), pow(3, -1, 7), round(2.567, 1), round(1234, -2), round(0.5), int("12"), int("ff", 16), int("0b11", 0), int(3.9), int(-3.9), float("1e3"), float(" 2 "), complex(1, 2), complex("1+2j"), bool([]), bool("a"), bin(5), oct(8), hex(255), hash(1) == hash(1.0)

# --- sequences
result = all([]), any([]), all([1, 0]), any([0, 1]), len("abc"), max(1, 2), max([3, 1]), min("ba"), max("aa", "b", key=len), min([], default=5), max([{"v": 1}, {"v": 2}], key=lambda d: d["v"]), sum([1, 2], 3), sum([0.1] * 3), sum(([1], [2]), []), sorted("bca"), sorted([3, 1], reverse=True), sorted(["b", "A"], key=str.lower), list(reversed([1, 2])), list(zip("ab", [1, 2])), list(zip()), list(range(5)), list(range(5, 0, -2)), range(3)[1], len(range(0, 10, 3)), 4 in range(0, 10, 2)

# --- zip strict
out = [list(zip("ab", [1, 2], strict=True))]
try:
    list(zip("ab", [1], strict=True))
except ValueError as e:
    out.append(str(e))
result = out

# --- constructors
result = list("ab"), tuple([1]), set("aab") == {"a", "b"}, frozenset([1]), dict(a=1), dict([("b", 2)]), dict({"c": 3}, d=4), str(1), str(b"a", "utf-8"), bytes(3), bytes([65]), bytes("é", "utf-8"), bytearray(b"x"), list(), dict(), object() is not None, slice(1, 2), bytes.fromhex("ff00"), dict.fromkeys("ab", 0), float.fromhex("0x1p3"), int.from_bytes(b"\x01\x02", "big")

# --- text and characters
result = ord("a"), chr(8364), ascii("é€"), repr("a'b"), repr('a"b\n'), str([1, "a"]), len("€"), "a" < "b", "abc" < "abd"

# --- callable, hash, iter, next
def f(): pass
class A: pass
result = callable(f), callable(A), callable(A()), callable(1), next(iter([5])), list(iter({"a": 1})), hash("a") == hash("a"), hash((1, 2)) == hash((1, 2))

# --- map and filter with several arguments
result = list(map(pow, [2, 3], [3, 2])), list(map(lambda x, y: (x, y), "ab", [1, 2])), list(filter(str.isdigit, ["1", "a"])), list(map(int, "123"))

# --- type
result = type(1) is int, type("a") == str, type([]).__name__, type(1.5) in (int, float), type(None).__name__, type({}) is dict, type(True) is bool, type(b"") is bytes, type(()) is tuple, type({1}) is set, type(1j) is complex, type(range(1)) is range

# --- type as an annotation and a check
def make(kind: type, *a) -> type[int]:
    return kind(*a)
def f(x: type | None = None, y: "type[str]" = str): return isinstance(x, type)
result = make(int, "5"), f(int), f(3), isinstance(str, type), isinstance("a", type)

# --- type chooses a converter
result = [type(v)("7") for v in (1, 1.5, "a")], {type(v): v for v in (1, "a")}[str], sorted({type(x).__name__ for x in (1, "a", None)})

# --- enumerate
result = list(enumerate("ab")), list(enumerate("ab", 1)), list(enumerate(["x"], start=-1)), dict(enumerate("ab"))

# --- sorted by several keys
rows = [("b", 2), ("a", 2), ("c", 1)]
result = sorted(rows, key=lambda r: (-r[1], r[0])), sorted(rows, key=lambda r: r[1]), max(rows, key=lambda r: r[1]), min(rows)

# --- sets
a, b = {1, 2, 3}, {3, 4}
a.add(9)
a.discard(77)
c = a.copy()
c.update([5], {6})
c.remove(5)
result = sorted(a | b), sorted(a & b), sorted(a - b), sorted(a ^ b), a <= c, a.isdisjoint({8}), {1} < {1, 2}, sorted(a.union(b, [0])), sorted(a.intersection(b)), sorted(a.difference(b)), sorted(a.symmetric_difference(b)), frozenset([1]) | {2}, len(set("hello"))

# --- dicts
d = {"a": 1, "b": 2}
d.update(c=3)
d |= {"d": 4}
popped = d.pop("a"), d.pop("zz", None)
d.setdefault("e", []).append(5)
result = d, popped, list(d), list(d.keys()), list(d.values()), list(d.items()), d.get("x"), d.get("x", 0), "b" in d, len(d), {**d, "b": 0}, dict(zip("xy", [1, 2])), d.copy() == d, d.keys() & {"b", "q"}, d | {"z": 1}, sorted(d.items(), key=lambda i: str(i)), d.popitem(), {v: k for k, v in {"a": 1}.items()}, list(reversed(d))

# --- lists
x = [3, 1, 2]
x.append(4)
x.extend([5, 6])
x.insert(0, 0)
x.remove(3)
y = x.pop(), x.pop(0)
x.sort(reverse=True)
z = x.copy()
z.reverse()
x.clear()
result = x, y, z, z.index(2), z.count(1), [1] + [2], [0] * 3, [1, 2] == [1, 2], [1] < [2], 2 in z, z[::-1], len(z), [[1]] * 2

# --- tuples
t = (1, 2, 2)
result = t.count(2), t.index(2), t + (3,), t * 2, t[0], t[-1], t[1:], (1,) < (2,), hash(t) == hash((1, 2, 2)), (), (1,), len(t), 2 in t

# --- text methods
s = "  Hello, World  "
result = s.strip(), s.lower(), s.upper(), s.title(), s.swapcase(), s.replace("l", "L", 2), s.split(), "a,b,,c".split(","), "a b c".split(maxsplit=1), "a-b-c".rsplit("-", 1), "a\nb\r\nc".splitlines(), "abc".find("z"), "abcabc".rfind("b"), "abc".index("c"), "aXbX".count("X"), "abc".startswith(("x", "a")), "abc".endswith("c"), "5".zfill(3), "-5".zfill(4), "a".center(5, "*"), "a".ljust(3) + "|", "a".rjust(3), "a=b=c".partition("="), "a=b=c".rpartition("="), "abc".isalpha(), "12".isdigit(), "1.5".isnumeric(), " ".isspace(), "Ab".istitle(), "a_1".isidentifier(), "ABC".isupper(), "abc".casefold(), "aé".encode(), "a\tb".expandtabs(4), "prefix-x".removeprefix("prefix-"), "x.py".removesuffix(".py"), "abc".translate(str.maketrans("ab", "xy")), "abc".translate({97: None}), "ß".upper(), "abc".capitalize(), "x".join(["1", "2"]), "a" in "abc", "abc"[1], "ab" * 2, "abc" > "abb", "é".isascii(), "a{}".isprintable(), "1,2;3".replace(";", ",").split(",")

# --- bytes and bytearray
b = bytearray(b"abc")
b[0] = 65
b += b"d"
b.append(33)
b.extend([1, 2])
b[1:2] = b"ZZ"
del b[-1]
result = bytes(b), b.hex(), b"ab".hex(":"), b"a,b".split(b","), b"abc"[0], b"abc"[1:], b"ab" + b"c", b"a" in b"abc", 97 in b"abc", list(b"ab"), b"ab".decode(), b"\xff\x00"[::-1], bytes(reversed(b"ab")), b"abc".find(b"c"), b"Ab".lower(), b" a ".strip(), b"ab".replace(b"a", b"x"), b"ab".startswith(b"a"), bytes.fromhex("01 02"), int.from_bytes(b"\x01\x02", "little"), (258).to_bytes(2, "big"), (-2).to_bytes(2, "little", signed=True), int.from_bytes(b"\xfe\xff", "little", signed=True), b"%d" % 5, b"abc".count(b"b"), bytes(2), b"\x00" * 2, bytearray(2), b"a".ljust(3, b"."), b"1".zfill(3), b"x".join([b"1", b"2"]), bytes([1, 2]) == bytearray([1, 2]), b"a" < b"b", b"abc".partition(b"b"), b.pop(), b.copy() == b

# --- encodings
result = "é€".encode("utf-8"), "é".encode("latin-1"), "a".encode("utf-16-le"), b"\xe9".decode("latin-1"), b"\xff".decode("utf-8", "replace"), "é".encode("ascii", "ignore"), "é".encode("ascii", "xmlcharrefreplace"), "é".encode("ascii", errors="backslashreplace"), b"a\xff".decode("utf-8", errors="ignore"), "テスト".encode("shift_jis"), b"\x83e".decode("cp932"), "ü".encode("cp1252"), "a".encode("utf-32-be"), "a".encode("utf-8-sig"), "ä".encode("cp437") , "a".encode("us-ascii")

# --- integers of any size
result = 2**100, (2**100).bit_length(), (255).bit_count(), (10).as_integer_ratio(), (5).conjugate(), int("9" * 30), 10**20 // 3, -(2**65) >> 3, (1).real, (1).imag, 5 .numerator, True + True, (0.5).as_integer_ratio(), (2.0).is_integer(), (0.1).hex(), 7 .__class__.__name__, int.from_bytes(bytes([1] * 10), "big")

# --- floats
result = 0.1 + 0.2, 1e308 * 10, float("-inf"), 1.5 // 0.4, 5.5 % 2, -5.5 % 2, 1 / 3, 2**0.5, round(1 / 3, 4), 1.0 == 1, float("nan") == float("nan"), 3.7.__class__.__name__, int(1e15), 1e100, 5e-324

# --- complex numbers
z = 3 + 4j
result = abs(z), z.real, z.imag, z.conjugate(), z * 1j, z / 2, z == 3 + 4j, complex("1j") ** 2

# --- getattr on everything
result = getattr("a", "upper")(), getattr([], "append") is not None, getattr(1, "nope", "d"), hasattr("a", "upper"), hasattr(1, "x"), [getattr(1, n) for n in ("real", "imag")]

# --- getattr without a default
getattr(1, "nope")

# --- vars of an object
class A:
    def __init__(self): self.x, self._y = 1, 2
result = vars(A())

# --- slice objects
s = slice(1, 5, 2)
result = s.start, s.stop, s.step, s.indices(4), "abcdef"[s], s == slice(1, 5, 2)

# --- ranges
r = range(0, 10, 3)
result = list(r), r.start, r.stop, r.step, r.index(6), r.count(3), r[-1], r[1:], 9 in r, r == range(0, 12, 3), bool(range(0)), list(range(3, 0, -1)), sum(range(101))

# --- truth of everything
result = [bool(v) for v in (0, 1, "", "0", [], [0], {}, None, 0.0, (), b"", set(), range(0), 0j, ...)]

# --- not implemented and ellipsis
result = NotImplemented is NotImplemented, ... is Ellipsis, repr(...), repr(NotImplemented)

# --- print in every form
class W:
    def __init__(self): self.got = []
    def write(self, s): self.got.append(s)
w = W()
print("a", 1, sep="-", end="!\n", file=w)
print("b", file=w)
print(file=w)
result = "".join(w.got)

# --- names of built-ins may be used again
list = [1]
id = "x"
type = "env"
input = 5
result = list, id, type, input

# --- sum of strings is refused
sum(["a", "b"], "")

# --- comparison chains with None
sorted([None, 1])

# --- isinstance with a wrong class
isinstance(1, "int")

# --- int of a float text
int("1.5")

# --- dict from a wrong list
dict([("a",)])

# --- len of a number
len(5)

# --- reversed of a set
reversed({1})

# --- list from a number
list(5)

# --- methods of containers by name
d = {"a": 1}
result = "abc".__len__(), [1].__contains__(1), (5).__add__(3), list(map(d.__getitem__, ["a"])), list(filter({1}.__contains__, [1, 2])), sorted("ba", key="ab".__contains__)
