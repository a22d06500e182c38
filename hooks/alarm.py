"""Warn when a value gets too high, and once more when it is well again.

Between the two limits nothing changes (hysteresis), so that a value that wavers around a limit does not ring all day; and
one sensor warns at most once in ten minutes. Change the numbers below to yours.
"""

from kraken_hooks import log, on, slack, state, throttle

FIELD = "temp"
TOO_HIGH = 35.0  # warn from here
WELL_AGAIN = 33.0  # all clear from here
QUIET = 600  # seconds between two warnings of one sensor


@on(content_type="application/json", payload={FIELD: "*"})
def alarm(msg):
    reading = msg.json
    try:
        value = float(reading[FIELD])
    except (TypeError, ValueError):
        return
    sensor = str(reading.get("name") or reading.get("id") or msg.collector)
    ringing = state.get(sensor, False)
    if value >= TOO_HIGH and not ringing and throttle(sensor, QUIET):
        state.set(sensor, True)
        tell(f"{sensor}: {FIELD} is {value:g}, over {TOO_HIGH:g}")
    elif value <= WELL_AGAIN and ringing:
        state.set(sensor, False)
        tell(f"{sensor}: {FIELD} is {value:g}, well again")


def tell(text):
    log.warning(text)
    if slack.configured:
        slack.send(text)
