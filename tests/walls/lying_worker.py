"""A worker program of an attacker's: hooks of `evil.py` report whatever the message's text names. Other files are run honestly.

With `# load: NAME` in the source of `evil.py` it lies when it is loaded.
"""

import os

from msgspec import msgpack

from kraken_hooks.outcome import Problem
from kraken_hooks.sandbox import main as worker
from kraken_hooks.wire import LoadFailed, Query, Ready, encode

NAN = float("nan")
WELL = ["evil.py:evil", "ok"]
DONE, QUERY, LOADED = 23, 24, 21


def raw(value):
    """A frame of any content."""
    body = value if isinstance(value, bytes) else msgpack.encode(value)
    return len(body).to_bytes(4, "little") + body


def outcome(hook="evil.py:evil", **changes):
    fields = {
        "status": "ok",
        "reply": None,
        "effects": [],
        "state": {},
        "deleted": [],
        "logs": [],
        "error": None,
        "duration": 0.0,
    }
    assert changes.keys() <= fields.keys()
    return [hook, *(fields | changes).values()]


def done(job, *outcomes, ended=True):
    return raw([DONE, job, list(outcomes), ended])


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def point(**changes):
    return ["store", "write", {"measurement": "evil", "fields": {"x": 1}, "tags": {}, "time": 1, **changes}]


#: Name to what is sent for a job. Each of them is a lie that ends the worker.
LIES = {
    # of others
    "another file's hook": lambda job: done(job, outcome("canary.py:canary")),
    "a hook that was not asked for": lambda job: done(job, outcome("evil.py:other")),
    "one hook twice": lambda job: done(job, outcome(), outcome()),
    "one hook in two frames": lambda job: done(job, outcome(), ended=False) + done(job, outcome()),
    "a job of nobody": lambda job: done(job + 1_000_000, outcome()),
    "a job of another worker": lambda job: done(job - 1, outcome("canary.py:canary")),
    "a job below zero": lambda job: done(-1, outcome()),
    "the same job for ever": lambda job: done(job) + done(job) * 1000,
    "a report of nothing for ever": lambda job: done(job, ended=False) * 1000,
    # effects
    "an effect on an unknown sink": lambda job: done(job, outcome(effects=[["shell", "run", {"command": "true"}]])),
    "an unknown operation": lambda job: done(job, outcome(effects=[["store", "drop", {}]])),
    "an effect without arguments": lambda job: done(job, outcome(effects=[["store", "write", {}]])),
    "an effect with one more": lambda job: done(job, outcome(effects=[point(bucket="x")])),
    "an effect of wrong types": lambda job: done(job, outcome(effects=[point(measurement=5)])),
    "an integer over 64 bits": lambda job: done(job, outcome(effects=[point(fields={"x": 2**64 - 1})])),
    "a time over 64 bits": lambda job: done(job, outcome(effects=[point(time=2**64 - 1)])),
    "an argument nested for ever": lambda job: done(job, outcome(effects=[point(fields={"x": nested(200)})])),
    "too many effects": lambda job: done(job, outcome(effects=[point()] * 10_001)),
    # state
    "an empty key": lambda job: done(job, outcome(state={"": 1})),
    "an endless key": lambda job: done(job, outcome(state={"k" * 10_000: 1})),
    "an empty key deleted": lambda job: done(job, outcome(deleted=[""])),
    "a state nested for ever": lambda job: done(job, outcome(state={"k": nested(200)})),
    "a state of an unknown type": lambda job: done(job, outcome(state={"k": msgpack.Ext(5, b"x")})),
    "a state with keys that are no text": lambda job: done(job, outcome(state={"k": {1: 2}})),
    "a state over the limit": lambda job: done(job, outcome(state={"k": "x" * 2**20})),
    "a state over 64 bits": lambda job: done(job, outcome(state={"k": 2**63})),
    # reply, logs, errors
    "a reply over the limit": lambda job: done(job, outcome(reply=[b"x" * (4 * 2**20 + 1), "text/plain", {}])),
    "metadata that is no JSON": lambda job: done(job, outcome(reply=[b"x", "text/plain", {"a": b"bytes"}])),
    "metadata that is no number": lambda job: done(job, outcome(reply=[b"x", "text/plain", {"a": NAN}])),
    "metadata nested for ever": lambda job: done(job, outcome(reply=[b"x", "text/plain", {"a": nested(200)}])),
    "a log line of no level": lambda job: done(job, outcome(logs=[["critical", "x", {}]])),
    "a log line of a method's name": lambda job: done(job, outcome(logs=[["bind", "x", {}]])),
    "an endless log line": lambda job: done(job, outcome(logs=[["info", "x" * 100_000, {}]])),
    "too many log lines": lambda job: done(job, outcome(logs=[["info", "x", {}]] * 1_002)),
    "a log field that is a document": lambda job: done(job, outcome(logs=[["info", "x", {"a": [1]}]])),
    "well and failed": lambda job: done(job, outcome(error=["E", "x", 1, ""])),
    "neither well nor failed": lambda job: done(job, outcome(status="failed")),
    "failed with effects": lambda job: done(job, outcome(status="failed", effects=[point()], error=["E", "x", 1, ""])),
    "a worker that says it was killed": lambda job: done(job, outcome(status="killed", error=["E", "x", 1, ""])),
    "an endless error": lambda job: done(job, outcome(status="failed", error=["E", "x" * 2**24, 1, ""])),
    "a run that took no time": lambda job: done(job, outcome(duration=NAN)),
    "a run before it began": lambda job: done(job, outcome(duration=-1.0)),
    # queries
    "a query for nobody's job": lambda job: raw([QUERY, 1, job + 1_000_000, "store.last", {}]),
    "a query nested for ever": lambda job: raw([QUERY, 1, job, "store.last", {"tags": nested(200)}]),
    "a query with an object": lambda job: raw([QUERY, 1, job, "store.last", {"tags": msgpack.Ext(1, b"x")}]),
    "a storm of queries": lambda job: (
        encode(Query(1, job, "store.last", {"measurement": "a", "field": "b", "tags": None})) * 20_000
    ),
    # frames
    "a frame of 4 GiB": lambda job: b"\xff\xff\xff\xff",
    "a frame over the limit": lambda job: (33 * 2**20).to_bytes(4, "little"),
    "an empty frame": lambda job: raw(b""),
    "noise": lambda job: raw(bytes(range(256))),
    "no array": lambda job: raw({"job": job}),
    "an unknown type": lambda job: raw([99, job]),
    "the broker's own type": lambda job: raw([4, job, 1, ["evil"], []]),
    "an array that says it has 4 billion elements": lambda job: raw(b"\xdd\xff\xff\xff\xff"),
    "arrays in arrays for ever": lambda job: raw(b"\x91" * 1_000_000),
    "a text that is none": lambda job: raw(b"\x95\x17\x01\x91\x99\xa2\xff\xff"),
    "ready again": lambda job: encode(Ready([], [])),
    "loaded what nobody gave it": lambda job: raw([LOADED, 1_000_000, [], [], []]),
    "failed to load what nobody gave it": lambda job: encode(LoadFailed(1_000_000, [Problem(1, 1, "x")])),
    # the end in the middle
    "half a frame": lambda job: (100).to_bytes(4, "little") + b"half",
    "nothing": lambda job: b"",
}

SPEC = ["evil", 1, None, None, {}, {}, False, 0.0]


def spec(**changes):
    names = ["name", "line", "collector", "content_type", "metadata", "payload", "has_when", "order"]
    return [changes.get(name, value) for name, value in zip(names, SPEC, strict=True)]


#: What is sent when the file is loaded.
LOADS = {
    "a million hooks": lambda number: raw([LOADED, number, [spec(name=f"h{i}") for i in range(200_000)], [], []]),
    "a hook without a name": lambda number: raw([LOADED, number, [spec(name="")], [], []]),
    "a name that is another file's": lambda number: raw([LOADED, number, [spec(name="x/../canary.py:canary")], [], []]),
    "two hooks of one name": lambda number: raw([LOADED, number, [spec(), spec()], [], []]),
    "an order that is no number": lambda number: raw([LOADED, number, [spec(order=NAN)], [], []]),
    "a pattern of a million characters": lambda number: raw(
        [LOADED, number, [spec(collector=["*a" * 500_000])], [], []]
    ),
    "a million patterns": lambda number: raw([LOADED, number, [spec(collector=["a"] * 1_000_000)], [], []]),
    "a pattern that is a document": lambda number: raw([LOADED, number, [spec(payload={"a": [[1]]})], [], []]),
    "another version": lambda number: raw([LOADED, number + 1, [spec()], [], []]),
    "a problem of no kind": lambda number: raw([LOADED, number, [spec()], [[1, 1, "x", "", "fatal"]], []]),
    "a million problems": lambda number: raw([LOADED, number, [spec()], [[1, 1, "x", "", "warning"]] * 200_000, []]),
    "a log line of no level": lambda number: raw([LOADED, number, [spec()], [], [["x", "y", {}]]]),
    "failed for no reason": lambda number: raw([22, number, []]),
}


class LyingWorker(worker.Worker):
    def _say(self, data):
        self._flush()
        self._pipe.sendall(data)

    def _run(self, frame):
        if self._versions[frame.version].file.file != "evil.py" or frame.message.payload not in PAYLOADS:
            super()._run(frame)
            return
        self._say(PAYLOADS[frame.message.payload](frame.job))
        if frame.message.payload in (b"half a frame", b"nothing"):
            os._exit(0)

    def _load(self, frame):
        lie = frame.source.partition(b"# load: ")[2].strip().decode()
        if lie in LOADS:
            self._say(LOADS[lie](frame.version))
        else:
            super()._load(frame)


PAYLOADS = {name.encode(): make for name, make in LIES.items()}
worker.Worker = LyingWorker
