# --- regular expressions
import re
m = re.match(r"(?P<k>\w+)=(\d+)(x)?", "temp=25 rest")
p = re.compile(r"(\d+)-(\d+)")
result = m["k"], m.group(2), m.group(0, 1), m.groups(), m.groups("none"), m.groupdict(), m.span(), m.start("k"), m.end(2), m.lastgroup, m.lastindex, m.string, m.re.pattern, re.search("z", "a"), bool(re.fullmatch("a+", "aaa")), re.findall(r"\d+", "a1b22"), [x.group() for x in re.finditer("[ab]", "cab")], re.split(r"[,;]\s*", "a, b;c"), re.sub(r"\d", "#", "a1b2"), re.sub(r"(\w)(\d)", r"\2\1", "a1b2"), re.sub(r"\d", lambda m: str(int(m[0]) * 2), "a1b2"), re.subn("a", "b", "aaa", count=2), re.escape("a.b*"), p.pattern, p.groups, p.groupindex, p.flags, p.sub(r"\g<2>", "1-2"), p.findall("1-2 3-4"), re.compile("a").search("ba").span(), re.split("(-)", "a-b"), re.sub("(?P<x>a)", r"[\g<x>]", "aa"), m.expand(r"\1!"), p.match("x1-2", 1).pos, p.split("a1-2b"), p.fullmatch("1-2")[1]

# --- flags
import re
result = re.findall("a", "aA", re.I), re.findall("^x", "x\nx", re.M), re.findall("a.b", "a\nb", re.S), re.findall("a b", "ab", re.X), re.findall("A", "a", flags=re.IGNORECASE | re.MULTILINE), re.compile("a", re.I).flags, (re.I | re.M).value, re.compile(r"(?i)A").search("a")[0], re.findall(r"\w", "é", re.A), re.compile("x", re.I) == re.compile("x", re.I), re.I, re.I | re.M

# --- errors of patterns
import re
out = []
for p in ("(", "[a", "*", "(?P<n>a)(?P<n>b)", "a{2,1}"):
    try:
        re.compile(p)
    except re.error as e:
        out.append((str(e), e.pos, e.msg))
result = out

# --- pattern as a type
import re
def f(p: re.Pattern[str], m: "re.Match[str] | None" = None) -> str: return p.pattern
result = f(re.compile("a")), isinstance(re.compile("a"), re.Pattern), isinstance(re.match("a", "a"), re.Match), repr(re.compile("a", re.I)), repr(re.match("a", "ab"))

# --- bytes patterns
import re
result = re.findall(rb"\x02(.)\x03", b"\x02a\x03\x02b\x03"), re.sub(b"a", b"b", b"aa"), re.split(rb"\r\n", b"a\r\nb")

# --- parsing a line protocol
import re
LINE = re.compile(r"""
    (?P<name>[a-z_]+) \s*        # what
    (?: \[ (?P<unit>[^\]]+) \] )? # its unit
    \s* : \s* (?P<value>-?\d+(?:\.\d+)?)
""", re.VERBOSE | re.IGNORECASE)
result = [m.groupdict() for m in LINE.finditer("Temp [C]: 21.5, hum: 40, dew [C] :-1")]

# --- json
import json
text = '{"a": [1, 2.5, null, true], "b": {"c": "\\u00e9\\n"}}'
d = json.loads(text)
result = d, json.dumps(d), json.dumps(d, indent=2), json.dumps(d, sort_keys=True, separators=(",", ":")), json.dumps("é", ensure_ascii=False), json.dumps({1: 2, None: 3, True: 4, 1.5: 5}), json.loads("[1e3, -0, 1E-2]"), json.dumps([float("inf"), float("nan")]), json.loads("NaN") != 1, json.dumps((1, 2)), json.loads(b"[1]"), json.loads(bytearray(b'"x"')), json.dumps({"b": 1, "a": 2}, indent="\t", sort_keys=True), json.dumps({(1, 2): 1, "a": 2}, skipkeys=True), json.loads(" 5 "), json.dumps(None)

# --- json with functions
import datetime, json
from decimal import Decimal
class Enc:
    def __init__(self, v): self.v = v
def default(o):
    if isinstance(o, (datetime.date, Decimal)):
        return str(o)
    if isinstance(o, set):
        return sorted(o)
    if isinstance(o, Enc):
        return {"v": o.v}
    raise TypeError(f"what is {type(o).__name__}")
out = [json.dumps({"d": datetime.date(2026, 1, 2), "x": Decimal("1.5"), "s": {2, 1}, "e": Enc([1])}, default=default), json.loads("[1.5, 2]", parse_float=Decimal, parse_int=str), json.loads('{"a": 1, "b": 2}', object_hook=lambda d: sorted(d)), json.loads('{"a": 1, "a": 2}', object_pairs_hook=list), json.loads("[NaN]", parse_constant=lambda c: c)]
try:
    json.dumps(object, default=default)
except TypeError as e:
    out.append(str(e))
result = out

# --- json errors
import json
out = []
for text in ("{", "[1,]", "{'a': 1}", "nul", "", "1 2", '"\x01"', '{"a" 1}'):
    try:
        json.loads(text)
    except json.JSONDecodeError as e:
        out.append(str(e))
for v in ({1, 2}, object(), b"x", {(1,): 2}):
    try:
        json.dumps(v)
    except TypeError as e:
        out.append(str(e))
try:
    json.dumps(float("nan"), allow_nan=False)
except ValueError as e:
    out.append(str(e))
a = []
a.append(a)
try:
    json.dumps(a)
except ValueError as e:
    out.append(str(e))
try:
    json.loads(5)
except TypeError as e:
    out.append(str(e))
result = out

# --- json of subclasses
import json
from collections import Counter, OrderedDict, defaultdict, namedtuple
P = namedtuple("P", "x y")
class D(dict): pass
result = json.dumps([OrderedDict(b=1, a=2), defaultdict(int, k=1), Counter("a"), P(1, 2), D(q=1)])

# --- text wrap
import textwrap
t = "The quick brown fox jumps over the lazy dog and runs away"
result = textwrap.wrap(t, 20), textwrap.fill(t, width=25, initial_indent="* ", subsequent_indent="  "), textwrap.dedent("  a\n    b\n  c"), textwrap.indent("a\nb", "> "), textwrap.shorten(t, 20), textwrap.shorten(t, width=20, placeholder="…"), textwrap.TextWrapper(width=15).wrap(t), textwrap.wrap("a-b c", 3, break_on_hyphens=False), textwrap.indent("a\n\nb", "-", lambda line: True)

# --- string constants
import string
result = string.ascii_letters, string.ascii_lowercase, string.digits, string.hexdigits, string.punctuation, string.whitespace, string.capwords("a b"), string.printable[:5], string.octdigits

# --- urls
from urllib.parse import parse_qs, parse_qsl, quote, quote_plus, unquote, unquote_plus, urlencode, urljoin, urlparse, urlsplit, urlunparse, urlunsplit, urldefrag
u = urlparse("http://me:pw@host:81/p/a;x?a=1&a=2&b=#frag")
s = urlsplit("https://h/p?q")
result = u, u.netloc, u.hostname, u.port, u.username, u.password, u.path, u.params, u.query, u.fragment, u.geturl(), u._replace(scheme="https").geturl(), tuple(s), parse_qs(u.query), parse_qs(u.query, keep_blank_values=True), parse_qsl("a=1&b=2"), quote("ä b/c"), quote("a/b", safe=""), quote_plus("a b&"), unquote("%C3%A4"), unquote_plus("a+b"), urlencode({"a": "b c", "d": [1, 2]}, doseq=True), urljoin("http://h/a/b", "../c"), urlunparse(("http", "h", "/p", "", "q=1", "")), urlunsplit(s), urldefrag("http://h/#f"), u[0], s.scheme

# --- base64 and hex
import base64, binascii
result = base64.b64encode(b"hi?>"), base64.b64decode("aGk/Pg=="), base64.urlsafe_b64encode(b"hi?>"), base64.b32encode(b"a"), base64.b16encode(b"\xff"), base64.b85encode(b"abc"), base64.a85encode(b"abcd"), base64.standard_b64encode(b"x"), binascii.hexlify(b"\x01\xff"), binascii.unhexlify("01ff"), binascii.crc32(b"x"), binascii.crc_hqx(b"x", 0), binascii.b2a_base64(b"a"), base64.b64decode(b"YQ==", validate=True), base64.b85decode(b"VPaz")

# --- base64 errors
import base64, binascii
out = []
for f in (lambda: base64.b64decode("a"), lambda: base64.b64decode("a$==", validate=True), lambda: binascii.unhexlify("0"), lambda: base64.b32decode("1"), lambda: bytes.fromhex("zz")):
    try:
        f()
    except (binascii.Error, ValueError) as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- struct
import struct
s = struct.Struct("<Bh4s")
b = bytearray(8)
struct.pack_into(">I", b, 2, 7)
result = struct.pack("<Hbf", 513, -1, 1.5), struct.unpack("<Hbf", struct.pack("<Hbf", 513, -1, 1.5)), struct.calcsize("<IQ"), s.size, s.format, s.pack(1, -2, b"ab"), s.unpack(b"\x01\xfe\xffab\x00\x00"), struct.unpack_from("<H", b"\x00\x01\x02", 1), list(struct.iter_unpack("<H", b"\x01\x00\x02\x00")), bytes(b), struct.pack("!d", 1.0).hex(), struct.unpack("3s", b"abc"), struct.pack("?", True), struct.pack(">2h", 1, 2), struct.pack(b"<H", 1)

# --- struct errors
import struct
out = []
for f in (lambda: struct.unpack("<I", b"a"), lambda: struct.pack("<B", 300), lambda: struct.pack("<z", 1), lambda: struct.pack("<H"), lambda: struct.unpack_from("<I", b"abc"), lambda: struct.pack("<H", "a")):
    try:
        f()
    except struct.error as e:
        out.append(str(e))
result = out

# --- hashes
import hashlib, hmac
h = hashlib.sha256()
h.update(b"a")
h.update(b"b")
c = h.copy()
result = h.hexdigest(), h.digest() == hashlib.sha256(b"ab").digest(), h.name, h.digest_size, h.block_size, c.hexdigest() == h.hexdigest(), hashlib.md5(b"").hexdigest(), hashlib.sha1(b"x").hexdigest(), hashlib.new("sha512", b"x").hexdigest()[:10], hashlib.blake2b(b"x", digest_size=8).hexdigest(), hashlib.sha3_256(b"").hexdigest()[:8], hashlib.shake_128(b"").hexdigest(4), hashlib.pbkdf2_hmac("sha256", b"p", b"s", 10).hex()[:8], hmac.new(b"k", b"m", "sha256").hexdigest(), hmac.new(b"k", b"m", hashlib.sha1).digest().hex(), hmac.digest(b"k", b"m", "md5").hex(), hmac.compare_digest("a", "a"), hmac.compare_digest(b"a", b"b"), "sha256" in hashlib.algorithms_available, "md5" in hashlib.algorithms_guaranteed, hmac.new(b"k", digestmod="sha256").hexdigest()[:4]

# --- hash errors
import hashlib, hmac
out = []
for f in (lambda: hashlib.sha256("text"), lambda: hashlib.new("nope"), lambda: hmac.new(b"k", b"m"), lambda: hmac.new(b"k", b"m", "nope")):
    try:
        f()
    except Exception as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- uuids
import uuid
u = uuid.UUID("12345678-1234-5678-1234-567812345678")
result = u, str(u), u.hex, u.int, u.bytes, u.fields, u.version, u.variant, u.urn, uuid.uuid5(uuid.NAMESPACE_DNS, "a"), uuid.uuid3(uuid.NAMESPACE_URL, "b"), len(str(uuid.uuid4())), uuid.uuid4().version, u == uuid.UUID(hex=u.hex), uuid.UUID(int=5), uuid.UUID(bytes=b"\x01" * 16), hash(u) == hash(uuid.UUID(str(u))), sorted([uuid.UUID(int=2), uuid.UUID(int=1)])

# --- uuid errors
import uuid
uuid.UUID("x")

# --- csv by hand
def rows(text):
    head, *lines = [line.split(",") for line in text.strip().splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]
result = rows("a,b\n1,2\n3,4")

# --- key value text
text = "temp=21.5;hum=52;ok=true;name=roof top"
d = dict(part.split("=", 1) for part in text.split(";"))
def value(s):
    for kind in (int, float):
        try:
            return kind(s)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(s, s)
result = {k: value(v) for k, v in d.items()}

# --- text in other writings
result = "テスト".upper(), "ÀÉ".lower(), "straße".casefold(), "温度: 21.5℃"[4:8], "İ".lower(), "ﬁ".upper(), "e\u0301" == "é", "𝟙".isdigit(), int("٣"), "a\u200bb", "😀"[0], len("😀"), "\N{GREEK SMALL LETTER ALPHA}"

# --- a caesar cipher
result = "".join(chr((ord(c) - 97 + 3) % 26 + 97) if c.isalpha() else c for c in "hello, xyz"), str.maketrans({"a": "1"})

# --- hex dump
data = bytes(range(20))
result = "\n".join(f"{i:04x}  {data[i:i + 8].hex(' ')}" for i in range(0, len(data), 8))
