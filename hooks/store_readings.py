"""Keep every number that arrives as JSON in the store, so that other hooks can ask for it.

A reading {"id": "101", "name": "env-sensor", "temp": "25.6"} is kept as measurement "readings", field "temp", with the tags
collector, id and name. Other hooks find it again with store.last("readings", "temp", {"id": "101"}).
To keep fewer, name the collectors: @on(collector=["webhook", "mqtt"]).
"""

import math

from kraken_hooks import on, store

TAGS = ("id", "name")


@on()
def store_readings(msg):
    try:
        reading = msg.json
    except ValueError:
        return  # not JSON, whatever its content type says
    if not isinstance(reading, dict):
        return
    fields = {name: number(value) for name, value in reading.items() if name and name not in TAGS}
    fields = {name: value for name, value in fields.items() if value is not None}
    if fields:
        tags = {name: str(reading[name]) for name in TAGS if isinstance(reading.get(name), (str, int))}
        store.write("readings", fields, {"collector": msg.collector, **tags})


def number(value):
    """25.6 for 25.6 and for "25.6"; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        made = float(value)
    except (ValueError, OverflowError):
        return None
    return made if math.isfinite(made) else None
