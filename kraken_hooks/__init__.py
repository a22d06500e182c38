"""kraken-hooks: small Python rules for sensor data, safe, durable and reloaded as you save.

This is the name that hook files import from, inside the sandbox and outside it. Everything here is the author's API.
"""

from kraken_hooks.api.answer import reply
from kraken_hooks.api.http import http
from kraken_hooks.api.influxdb import influxdb
from kraken_hooks.api.log import log
from kraken_hooks.api.mongodb import mongodb
from kraken_hooks.api.mqtt import mqtt
from kraken_hooks.api.msg import Msg
from kraken_hooks.api.on import on
from kraken_hooks.api.redis import redis
from kraken_hooks.api.slack import slack
from kraken_hooks.api.state import state, throttle
from kraken_hooks.api.store import store
from kraken_hooks.api.websocket import websocket

__all__ = [
    "Msg",
    "http",
    "influxdb",
    "log",
    "mongodb",
    "mqtt",
    "on",
    "redis",
    "reply",
    "slack",
    "state",
    "store",
    "throttle",
    "websocket",
]
__version__ = "0.1.0"
