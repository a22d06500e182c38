"""Wall 2: which modules hook files may import, each as a list of permitted names.

What is on a list gives no file, no module object, no attribute by its name as text and nothing that another hook file
shares and could change. Where the standard library's own function does too much, `sandbox.replacements` has another.
"""

from __future__ import annotations

import base64
import binascii
import collections
import collections.abc
import dataclasses
import datetime
import decimal
import difflib
import enum
import fractions
import functools
import hashlib
import hmac
import itertools
import json
import math
import random
import re
import statistics
import string
import struct
import textwrap
import time
import types
import typing
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any, Final

import kraken_hooks
from kraken_hooks.sandbox import caches, replacements
from kraken_hooks.sandbox.facade import Facade

#: Names of each module that hooks may use, as they are.
_NAMES: Final[dict[types.ModuleType, str]] = {
    json: "JSONDecodeError",
    math: """acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2 expm1
        fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10
        log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt sumprod tan tanh tau trunc ulp""",
    statistics: """NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean kde linear_regression
        mean median median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance""",
    datetime: "MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo",
    time: """altzone daylight gmtime localtime mktime monotonic monotonic_ns perf_counter perf_counter_ns process_time sleep
        strftime strptime struct_time time time_ns timezone tzname asctime ctime""",
    re: """A ASCII DOTALL I IGNORECASE L LOCALE M MULTILINE Match NOFLAG Pattern RegexFlag S U UNICODE VERBOSE X compile error
        escape findall finditer fullmatch match search split sub subn PatternError""",
    base64: """a85decode a85encode b16decode b16encode b32decode b32encode b32hexdecode b32hexencode b64decode b64encode
        b85decode b85encode decodebytes encodebytes standard_b64decode standard_b64encode urlsafe_b64decode
        urlsafe_b64encode""",
    binascii: """Error Incomplete a2b_base64 a2b_hex a2b_qp a2b_uu b2a_base64 b2a_hex b2a_qp b2a_uu crc32 crc_hqx hexlify
        unhexlify""",
    struct: "Struct error",
    hashlib: """blake2b blake2s md5 new pbkdf2_hmac scrypt sha1 sha224 sha256 sha384
        sha3_224 sha3_256 sha3_384 sha3_512 sha512 shake_128 shake_256""",
    hmac: "compare_digest",
    decimal: """Clamped Context ConversionSyntax Decimal DecimalException DivisionByZero DivisionImpossible DivisionUndefined
        FloatOperation Inexact InvalidContext InvalidOperation Overflow ROUND_05UP ROUND_CEILING ROUND_DOWN ROUND_FLOOR
        ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP Rounded Subnormal Underflow getcontext localcontext
        setcontext MAX_EMAX MAX_PREC MIN_EMIN MIN_ETINY""",
    fractions: "Fraction",
    random: "Random",
    string: """Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation
        whitespace""",
    itertools: """accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile
        filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest""",
    functools: "cache cached_property cmp_to_key lru_cache partial partialmethod reduce",
    collections: "ChainMap Counter OrderedDict UserDict UserList defaultdict deque",
    collections.abc: """Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping
        MappingView MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView""",
    uuid: "NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 NIL RFC_4122 SafeUUID UUID uuid3 uuid4 uuid5",
    textwrap: "TextWrapper dedent fill indent shorten wrap",
    enum: """CONFORM CONTINUOUS EJECT EnumCheck FlagBoundary KEEP NAMED_FLAGS STRICT UNIQUE auto member nonmember unique
        verify""",
    dataclasses: "FrozenInstanceError InitVar KW_ONLY MISSING asdict astuple field fields is_dataclass replace",
    typing: """AbstractSet Any AnyStr Annotated Callable ChainMap ClassVar Collection Container Counter DefaultDict Deque Dict
        Final FrozenSet Generator Generic Hashable ItemsView Iterable Iterator KeysView List Literal LiteralString Mapping
        MutableMapping MutableSequence MutableSet Never NewType NoReturn NotRequired Optional OrderedDict ParamSpec Protocol
        Required Reversible Self Sequence Set Sized SupportsAbs SupportsBytes SupportsFloat SupportsIndex SupportsInt
        SupportsRound Text Tuple Type TypeAlias TypeGuard TypeVar TypedDict Union Unpack ValuesView assert_never cast
        TYPE_CHECKING""",
    urllib.parse: """ParseResult SplitResult parse_qs parse_qsl quote quote_from_bytes quote_plus unquote unquote_plus
        unquote_to_bytes urldefrag urlencode urljoin urlparse urlunparse urlunsplit""",
}

#: Names that are ours instead of the module's.
_REPLACED: Final[dict[str, dict[str, object]]] = {
    "json": {"dumps": replacements.dumps, "loads": replacements.loads},
    "struct": caches.STRUCT,
    "urllib.parse": caches.URLSPLIT,
    "hashlib": {
        "algorithms_available": frozenset(hashlib.algorithms_available),
        "algorithms_guaranteed": frozenset(hashlib.algorithms_guaranteed),
    },
    "hmac": {"new": replacements.hmac_new, "digest": replacements.hmac_digest},
    "functools": {
        "singledispatch": replacements.singledispatch,
        "total_ordering": replacements.total_ordering,
        "wraps": replacements.wraps,
    },
    "collections": {"UserString": replacements.UserString, "namedtuple": replacements.namedtuple},
    "dataclasses": {"dataclass": replacements.dataclass},
    "enum": replacements.ENUMS,
    "typing": {
        "NamedTuple": replacements.NamedTuple,
        "final": replacements.unchanged,
        "overload": replacements.unchanged,
        "override": replacements.unchanged,
        "runtime_checkable": replacements.runtime_checkable,
    },
    "zoneinfo": replacements.ZONES,
    "__future__": {"annotations": None},
}

#: Functions of `random` that belong to a generator; each hook file has its own.
_RANDOM: Final = """betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate normalvariate
    paretovariate randbytes randint random randrange sample seed shuffle triangular uniform vonmisesvariate weibullvariate
    getstate setstate binomialvariate""".split()


def _collect() -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for module, names in _NAMES.items():
        found = {name: getattr(module, name) for name in names.split() if hasattr(module, name)}
        tables[module.__name__] = found
    for name, replaced in _REPLACED.items():
        tables.setdefault(name, {}).update(replaced)
    tables["kraken_hooks"] = {name: getattr(kraken_hooks, name) for name in kraken_hooks.__all__}
    tables["random"].update(dict.fromkeys(_RANDOM))  # filled in for each file
    tables["collections"]["abc"] = Facade("collections.abc", tables["collections.abc"])
    tables["urllib"] = {"parse": Facade("urllib.parse", tables["urllib.parse"])}
    return tables


_TABLES: Final = _collect()
_FACADES: Final = {name: Facade(name, names) for name, names in _TABLES.items()}
ALLOWED: Final = tuple(sorted(set(_TABLES) - {"urllib", "__future__"}))

#: Modules that Python itself imports, through the hook's own import, when a hook calls one of its functions: strptime, and
#: encoding with `namereplace`. It takes the module from its own table; what the import returns, it throws away. A hook file
#: that names them is refused when it is compiled.
_FOR_PYTHON: Final = frozenset({"_strptime", "unicodedata", "warnings"})

_TESTS: Final = "tests go into a directory of their own, such as tests in the hooks directory"
#: What an author wants who imports one of these, as it is done here.
_INSTEAD: Final = {
    "aiohttp": "write http.get(…) or http.post(…) instead",
    "csv": 'write line.split(";") for each line of msg.text.splitlines() instead',
    "httpx": "write http.get(…) or http.post(…) instead",
    "influxdb_client": "write influxdb.write(…) instead",
    "kraken_hooks": "write from kraken_hooks import on and the other names that are used",
    "kraken_hooks.testing": _TESTS,
    "logging": "write log.info(…) or print(…) instead",
    "numpy": "write statistics.mean(values) and the like instead",
    "paho": "write mqtt.publish(…) instead",
    "pymongo": "write mongodb.insert(…) instead",
    "pytest": _TESTS,
    "requests": "write http.get(…) or http.post(…) instead",
    "slack_sdk": "write slack.send(…) instead",
    "sqlite3": "write store.write(…) and store.last(…), or state.set(…) instead",
    "structlog": "write log.info(…) or print(…) instead",
    "websocket": "write websocket.send(…) instead",
    "xml": "write a pattern of re over msg.text instead",
}
#: How alike a name is, of 1, that is a misspelling and not another module: jason is json, pathlib is not hashlib.
_ALIKE: Final = 0.75

#: Classes that hooks can have in their hands anyway.
KNOWN_CLASSES: Final = frozenset(
    value for names in _TABLES.values() for value in names.values() if isinstance(value, type)
)


def import_problem(module: str, name: str | None) -> tuple[str, str] | None:
    """What is wrong with importing a module (name None) or a name of it, with a hint; None where nothing is."""
    table = _TABLES.get(module)
    if table is None:
        return f"the module {module} cannot be imported in a hook", _other_module(module)
    if name is None:
        return None
    if name == "*":
        return "import * cannot be used in a hook", "name what you need"
    if name not in table:
        close = difflib.get_close_matches(name, table, n=1)
        return f"{module} has no {name} for hooks", f"did you mean {close[0]}?" if close else ""
    return None


def _other_module(module: str) -> str:
    instead = _INSTEAD.get(module) or _INSTEAD.get(module.partition(".")[0])
    if instead:
        return instead
    close = difflib.get_close_matches(module, ALLOWED, n=1, cutoff=_ALIKE)
    return f"did you mean {close[0]}?" if close else f"these may be: {', '.join(ALLOWED)}"


def importer() -> Callable[..., object]:
    """`__import__` for one hook file."""
    generator = random.Random()  # noqa: S311  # for sensors, not for secrets
    own: dict[str, object] = {name: getattr(generator, name) for name in _RANDOM if hasattr(generator, name)}
    own["Random"] = random.Random
    own_random = Facade("random", own)

    def import_module(
        name: str, _globals: object = None, _locals: object = None, fromlist: Any = (), level: int = 0
    ) -> object:
        """A module as hooks see it.

        Raises:
            ImportError: hooks cannot have it.
        """
        if name in _FOR_PYTHON and not fromlist:
            return None
        if level or name not in _FACADES:
            raise ImportError(f"the module {name} cannot be imported in a hook")
        for wanted in fromlist or ():
            problem = import_problem(name, wanted)
            if problem is not None:
                raise ImportError(problem[0])
        if name == "random":
            return own_random
        return _FACADES[name] if fromlist else _FACADES[name.partition(".")[0]]

    return import_module
