# --- math
import math
result = math.sqrt(2), math.pi, math.e, math.tau, math.inf, math.floor(-1.5), math.ceil(1.2), math.trunc(-1.7), math.gcd(12, 18), math.lcm(4, 6), math.factorial(10), math.comb(5, 2), math.perm(5, 2), math.hypot(3, 4), math.dist((0, 0), (3, 4)), math.log(8, 2), math.log2(8), math.log10(1000), math.log1p(0), math.exp(1), math.sin(0), math.cos(0), math.tan(0), math.atan2(1, 1), math.degrees(math.pi), math.radians(180), math.isclose(1, 1 + 1e-12), math.isnan(math.nan), math.isinf(math.inf), math.isfinite(1), math.fsum([0.1] * 10), math.prod([1, 2, 3]), math.copysign(1, -0.0), math.fmod(7, 3), math.modf(1.5), math.frexp(8), math.ldexp(0.5, 4), math.isqrt(17), math.pow(2, 3), math.fabs(-1), math.erf(0), math.gamma(5), math.remainder(7, 3), math.nextafter(1, 2), math.ulp(1), math.cbrt(27), math.exp2(3), math.sinh(0), math.asin(1)

# --- math errors
import math
out = []
for f in (lambda: math.sqrt(-1), lambda: math.log(0), lambda: math.factorial(-1), lambda: math.exp(1000), lambda: math.sqrt("a")):
    try:
        f()
    except Exception as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- statistics
import statistics as st
from statistics import NormalDist, correlation, fmean, geometric_mean, harmonic_mean, linear_regression, mean, median, median_high, median_low, mode, multimode, pstdev, pvariance, quantiles, stdev, variance
d = [1, 2, 4, 4, 9]
result = mean(d), fmean(d), median(d), median_low([1, 2]), median_high([1, 2]), mode(d), multimode("aabb"), stdev(d), variance(d), pstdev(d), pvariance(d), quantiles(d, n=4), harmonic_mean([1, 2]), geometric_mean([1, 4]), correlation([1, 2, 3], [1, 2, 4]), linear_regression([1, 2], [2, 4]), NormalDist(0, 1).cdf(0), st.median_grouped([1, 2, 3]), mean([1.5, 2]), NormalDist(1, 2) + 3, fmean([1, 2], weights=[3, 1])

# --- statistics errors
import statistics
out = []
for f in (lambda: statistics.mean([]), lambda: statistics.stdev([1]), lambda: statistics.mode([])):
    try:
        f()
    except statistics.StatisticsError as e:
        out.append(str(e))
result = out

# --- statistics of decimals and fractions
from decimal import Decimal
from fractions import Fraction
from statistics import mean, median
result = mean([Decimal("1.5"), Decimal("2.5")]), mean([Fraction(1, 2), Fraction(1, 3)]), median([Decimal(1), Decimal(4)])

# --- decimal
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
d = Decimal("10.25")
result = d + 1, d * Decimal("0.1"), Decimal(1) / 3, d.quantize(Decimal("0.1"), ROUND_HALF_UP), d.quantize(Decimal("1")), d.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN), d.to_integral_value(ROUND_CEILING), -d, abs(-d), d // 3, d % 3, d ** 2, int(d), float(d), str(d), repr(d), d == Decimal("10.250"), d > 10, Decimal("1e3"), Decimal(0.1), Decimal("NaN").is_nan(), Decimal("inf"), d.as_tuple(), d.normalize(), Decimal("5.00").normalize(), d.sqrt(), round(d, 1), round(d), sum([Decimal("0.1")] * 3), max(d, Decimal(3)), d.adjusted(), d.is_signed(), Decimal("3.14").as_integer_ratio(), divmod(Decimal(7), 2), hash(Decimal(1)) == hash(1), f"{d:.3f}", Decimal((0, (1, 2), -1)), d.copy_abs(), d.compare(Decimal(3)), Decimal("2").ln().quantize(Decimal("0.001")), ROUND_DOWN

# --- decimal contexts
from decimal import Context, Decimal, getcontext, localcontext, setcontext
getcontext().prec = 6
a = Decimal(1) / 7
with localcontext() as c:
    c.prec = 3
    b = Decimal(1) / 7
with localcontext(Context(prec=2)) as c:
    d = Decimal(1) / 7
with localcontext(prec=4):
    e = Decimal(1) / 7
f = Context(prec=5).divide(Decimal(1), Decimal(7))
setcontext(Context(prec=8))
g = Decimal(1) / 7
result = a, b, d, e, f, g, getcontext().prec

# --- decimal traps and flags
from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation, getcontext, localcontext
out = []
try:
    Decimal(1) / 0
except DivisionByZero as e:
    out.append(type(e).__name__)
try:
    Decimal("x")
except InvalidOperation as e:
    out.append(type(e).__name__)
with localcontext() as c:
    c.traps[DivisionByZero] = False
    out.append(Decimal(1) / 0)
    c.traps[Inexact] = True
    try:
        Decimal(1) / 3
    except Inexact:
        out.append("inexact")
    out.append(c.flags[DivisionByZero])
    c.clear_flags()
    out.append(c.flags[DivisionByZero])
result = out

# --- decimal and float do not mix
from decimal import Decimal
Decimal(1) + 0.5

# --- fractions
from fractions import Fraction
f = Fraction(3, 4)
result = f + 1, f * 2, f / 3, f - Fraction("0.5"), f ** 2, -f, f == 0.75, f.numerator, f.denominator, Fraction("1/3"), Fraction(0.5), Fraction(3.14159).limit_denominator(100), float(f), int(f), round(f, 1), str(f), repr(f), Fraction(1, 3) < Fraction(1, 2), abs(-f), f // 1, f % Fraction(1, 2), Fraction(6, 4), sum([Fraction(1, 3)] * 3), hash(Fraction(2)) == hash(2)

# --- fraction of zero
from fractions import Fraction
Fraction(1, 0)

# --- random is reproducible
import random
random.seed(7)
a = random.random(), random.randint(1, 6), random.choice("abc"), random.sample(range(9), 3), random.uniform(1, 2), random.gauss(0, 1), random.choices("ab", k=3), random.randrange(0, 10, 2), random.getrandbits(8), random.triangular(), random.randbytes(2)
x = [1, 2, 3, 4]
random.shuffle(x)
r = random.Random(7)
result = a, x, r.random() == a[0], random.Random(1).choice([1, 2, 3]), random.Random("text").random(), r.expovariate(2), random.choices([1, 2], weights=[0, 1], k=2), r.betavariate(1, 2), r.normalvariate()

# --- state of a generator
import random
r = random.Random(3)
state = r.getstate()
a = r.random()
r.setstate(state)
result = r.random() == a

# --- random from module functions imported by name
from random import choice, randint, random, seed
seed(1)
result = random(), randint(1, 3), choice([1, 2, 3])

# --- bits
def bits(v, n): return [(v >> i) & 1 for i in range(n)]
result = bits(0b1011, 6), 0xFF ^ 0x0F, ~0 & 0xFF, 1 << 10, bin(37)[2:].zfill(8), int("101", 2), f"{37:08b}", sum(bits(255, 8))

# --- checksums
def crc16(data):
    crc = 0xFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc
result = hex(crc16(b"123456789")), sum(b"abc") & 0xFF

# --- linear interpolation and clamps
def lerp(x, x0, x1, y0, y1): return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
def clamp(v, lo, hi): return max(lo, min(v, hi))
result = lerp(5, 0, 10, 0, 100), clamp(15, 0, 10), clamp(-1, 0, 10)

# --- dew point
import math
def dew(t, h):
    a, b = 17.62, 243.12
    g = a * t / (b + t) + math.log(h / 100)
    return b * g / (a - g)
result = round(dew(21.5, 52.4), 3)
