"""What a device says of itself when it connects: its sensors and its commands."""

import json
import sys

from .. import __version__
from ..port import const, load_once

_SENSORS = const(64)
_MAX_MESSAGE = const(200)


def hello(px, sampler, commands, documented=True):
    """The first message of a connection, device_auth, as texts (str) to be sent one by one.

    The first of them holds the key. As a whole it would be the largest piece of the heap that the
    agent needs, and there may be none. documented: to the documented server; any other hears what
    of the platform's of today this device can do. commands: None to declare none.
    """
    head = {
        "type": "device_auth",
        "api_key": px.credentials()[0],
        "source_id": px.source_id,
        "platform": sys.implementation.name,
        "agent_version": __version__,
    }
    if not documented:
        head["protocol"] = 1
        head["acks"] = head["hears_goodbye"] = True
    yield json.dumps(head)[:-1]
    channels = sampler.channels[:_SENSORS] if sampler else ()
    yield from _array("sensors", [(_sensor, channel) for channel in channels])
    items = ()
    if documented and commands:
        items = [(commands.described, name) for name in commands.names()]
    elif commands:
        module = load_once(__name__, "declared")
        items = [(module.declared, commands, name) for name in module.names(commands)]
    yield from _array("commands", items)
    yield "}"


def _array(name, items):
    # The rest of an object has an array; each item is made when its turn has come.
    mark = ',"%s":[' % name
    for make, *item in items:
        yield mark + json.dumps(make(*item))
        mark = ","
    yield "]" if mark == "," else mark + "]"


def _sensor(channel):
    # `metrics` are names as they are sent, with the prefix: those that a stream can ask for.
    interval_ms = channel.interval_ms
    rate = 1000 / interval_ms if 1000 % interval_ms else 1000 // interval_ms
    return {
        "name": channel.name,
        "description": channel.description[:_MAX_MESSAGE],
        "metrics": channel.metrics,
        "sample_rate": rate,
        "prefix": channel.prefix,
        "available": not channel.failures,
    }
