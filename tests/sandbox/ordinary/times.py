# --- datetime construction and parts
from datetime import date, datetime, time, timedelta, timezone
t = datetime(2026, 3, 4, 5, 6, 7, 89)
result = t, t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond, t.weekday(), t.isoweekday(), t.isocalendar().week, t.date(), t.time(), t.timetuple().tm_yday, t.toordinal(), date(2026, 1, 2), time(1, 2), datetime.combine(date(2026, 1, 1), time(3)), datetime.min, datetime.max, date.fromordinal(5), date.fromisocalendar(2026, 1, 1)

# --- arithmetic
from datetime import date, datetime, timedelta
a, b = datetime(2026, 1, 31), datetime(2026, 3, 1, 12)
d = b - a
result = d, d.days, d.seconds, d.total_seconds(), a + timedelta(days=1, hours=2), b - timedelta(weeks=1), timedelta(minutes=90) / 2, timedelta(hours=5) // timedelta(hours=2), timedelta(days=1) % timedelta(hours=7), -timedelta(1), abs(timedelta(-1)), timedelta(1) * 1.5, timedelta(1) > timedelta(hours=23), a < b, max(a, b), date(2026, 3, 1) - date(2026, 2, 1), sum([timedelta(1)] * 3, timedelta()), str(timedelta(days=2, seconds=5)), repr(timedelta(1, 2, 3)), divmod(timedelta(hours=5), timedelta(hours=2))

# --- strftime and strptime
from datetime import datetime
t = datetime.strptime("2026-03-04 05:06:07", "%Y-%m-%d %H:%M:%S")
u = datetime.strptime("04/Mar/2026:05:06:07 +0200", "%d/%b/%Y:%H:%M:%S %z")
result = t, u, t.strftime("%d.%m.%Y %H:%M:%S"), t.strftime("%A %a %B %b %j %U %W %y %I %p %%"), u.strftime("%z"), u.utcoffset(), datetime.strptime("1.5.26", "%d.%m.%y"), t.strftime("%Y年")

# --- strptime errors
from datetime import datetime
out = []
for text, form in (("x", "%Y"), ("2026", "%Y-%m"), ("2026-13-01", "%Y-%m-%d"), ("2026-01-01x", "%Y-%m-%d"), ("1", "%Q")):
    try:
        datetime.strptime(text, form)
    except ValueError as e:
        out.append(str(e))
result = out

# --- iso format
from datetime import date, datetime, time, timezone
result = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc).isoformat(), datetime.fromisoformat("2026-01-02T03:04:05+02:00"), datetime.fromisoformat("2026-01-02"), date.fromisoformat("2026-01-02"), time.fromisoformat("03:04"), datetime(2026, 1, 2).isoformat(" ", "minutes"), datetime.fromisoformat("2026-01-02T03:04:05Z"), datetime.fromisoformat("20260102T030405")

# --- time zones
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo
t = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
berlin, tokyo = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
cet = timezone(timedelta(hours=1), "CET")
result = t.astimezone(berlin).isoformat(), t.astimezone(tokyo).hour, t.astimezone(cet).tzname(), str(berlin), berlin.key, repr(berlin), UTC is timezone.utc, datetime(2026, 1, 1, tzinfo=berlin).utcoffset(), datetime(2026, 7, 1, tzinfo=berlin).dst(), t.astimezone(berlin).tzname(), ZoneInfo("UTC") is ZoneInfo("UTC"), t == t.astimezone(tokyo), t.replace(tzinfo=None), berlin == ZoneInfo("Europe/Berlin"), cet.utcoffset(None), repr(cet), str(timezone(timedelta(hours=-5, minutes=-30)))

# --- summer time changes
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
z = ZoneInfo("Europe/Berlin")
before = datetime(2026, 3, 29, 1, 30, tzinfo=z)
after = before + timedelta(hours=1)
real = (before.astimezone(timezone.utc) + timedelta(hours=1)).astimezone(z)
fold = datetime(2026, 10, 25, 2, 30, tzinfo=z), datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=z)
result = after.isoformat(), real.isoformat(), [x.utcoffset() for x in fold], fold[1] - fold[0]

# --- zone info as an annotation and in checks
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones
def f(z: ZoneInfo | None = None) -> ZoneInfo: return z or ZoneInfo("UTC")
out = []
try:
    ZoneInfo("Mars/Base")
except ZoneInfoNotFoundError as e:
    out.append((str(e), isinstance(e, KeyError)))
result = isinstance(f(), ZoneInfo), isinstance(f(), tzinfo), out, "Europe/Paris" in available_timezones(), f(ZoneInfo("Asia/Tokyo")).key, type(f()).__name__

# --- naive and aware do not mix
from datetime import datetime, timezone
datetime(2026, 1, 1) < datetime(2026, 1, 1, tzinfo=timezone.utc)

# --- replace and rounding to a period
from datetime import datetime, timedelta
t = datetime(2026, 3, 4, 5, 47, 31)
result = t.replace(minute=0, second=0), t - timedelta(minutes=t.minute % 15, seconds=t.second), t.replace(day=1, month=12)

# --- epoch
from datetime import datetime, timezone
t = datetime.fromtimestamp(1_767_225_600, tz=timezone.utc)
result = t, t.timestamp(), datetime.fromtimestamp(0.5, timezone.utc).microsecond, datetime(1970, 1, 1, tzinfo=timezone.utc).timestamp()

# --- now is now
from datetime import date, datetime, timezone
import time
a = datetime.now(timezone.utc)
result = abs(a.timestamp() - time.time()) < 5, date.today().year >= 2024, a.tzinfo is timezone.utc, datetime.now().tzinfo, time.monotonic() > 0, time.perf_counter_ns() > 0, time.time_ns() > 10**18

# --- time module
import time
s = time.gmtime(1_767_225_600)
result = s.tm_year, s.tm_mon, s[2], tuple(s), time.strftime("%Y-%m-%d", s), time.strptime("2026-01-02", "%Y-%m-%d").tm_yday, time.mktime(time.localtime(10**9)), time.asctime(s), isinstance(s, time.struct_time), time.localtime(0).tm_isdst in (0, 1), time.ctime(0)[-4:]

# --- own time zone
from datetime import datetime, timedelta, tzinfo
class Plus(tzinfo):
    def __init__(self, h): self._h = h
    def utcoffset(self, dt): return timedelta(hours=self._h)
    def dst(self, dt): return timedelta(0)
    def tzname(self, dt): return f"P{self._h}"
t = datetime(2026, 1, 1, tzinfo=Plus(3))
result = t.isoformat(), t.tzname(), t.astimezone(Plus(5)).hour, f"{t:%Z %z}"

# --- working hours
from datetime import datetime, time
def open_at(t): return t.weekday() < 5 and time(8) <= t.time() < time(17, 30)
result = open_at(datetime(2026, 3, 4, 9)), open_at(datetime(2026, 3, 7, 9)), open_at(datetime(2026, 3, 4, 17, 30))

# --- dates of a month
from datetime import date, timedelta
d = date(2026, 2, 1)
days = []
while d.month == 2:
    days.append(d.day)
    d += timedelta(days=1)
result = days[-1], d.isoformat(), d.strftime("%a"), date(2024, 2, 29).replace(year=2028)

# --- wrong dates
from datetime import date, datetime
out = []
for make in (lambda: date(2026, 2, 30), lambda: datetime(2026, 1, 1, 25), lambda: date.fromisoformat("x"), lambda: date(0, 1, 1), lambda: datetime(2026, 1, 1) - date(2026, 1, 1)):
    try:
        make()
    except Exception as e:
        out.append((type(e).__name__, str(e)))
result = out

# --- subclass of datetime
from datetime import datetime
class Stamp(datetime):
    def short(self): return self.strftime("%H:%M")
s = Stamp(2026, 1, 2, 3, 4)
result = s.short(), s.replace(hour=5).short(), s
