"""A message of the server's: read if it is none that would take much, and its fields, checked."""

import json

from ..port import const, load_native, load_once

_weigh = load_native("plexus", "websocket.frames").weigh
_SHOWN = const(40)
_LARGE = 1e20
_HEAVY = (
    "message: more than 64 objects and arrays; send less at a time",
    "message: more than 1024 values; send less at a time",
    "message: a number of more than 24 digits; round it",
    "message: an escape of half a character, or a wrong one; send characters as they are",
)


def parse(text):
    """The JSON object (dict) in a message; ValueError if there is none, or too much in it."""
    if not isinstance(text, str):
        raise ValueError("message: binary; send text")
    heavy = _weigh(text.encode())
    if heavy:
        raise ValueError(_HEAVY[heavy - 1])
    message = None
    try:
        if "\\ud" in text or "\\uD" in text:
            text = load_once(__name__, "escapes").joined(text)
        message = json.loads(text)
    except (ValueError, TypeError, RuntimeError, MemoryError):
        pass  # TypeError: MicroPython's takes more than texts for a key
    if not isinstance(message, dict):
        raise ValueError("message: no JSON object that can be read; send one")
    return message


def refused(name, value, remedy):
    """A ValueError that names a field, what it is, and what to give."""
    if isinstance(value, str):
        value = repr(value[:_SHOWN])
    elif isinstance(value, (int, float, bool)):
        # The digits of a large int take long.
        value = str(value) if -_LARGE < value < _LARGE or value - value != 0 else "a large number"
    else:
        value = "no value" if value is None else type(value).__name__
    return ValueError("%s: %s; give %s" % (name, value, remedy))


def text_in(fields, name, maximum, minimum=1):
    """A field that is a str of `minimum` to `maximum` characters, or ValueError."""
    value = fields.get(name)
    if not isinstance(value, str) or not minimum <= len(value) <= maximum:
        raise refused(name, value, "a text of %d to %d characters" % (minimum, maximum))
    return value


def whole_in(fields, name, minimum, maximum, default):
    """A field that is a whole number from `minimum` to `maximum`; `default` if it is missing."""
    value = fields.get(name)
    if value is None:
        return default
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not right or not minimum <= value <= maximum or value != int(value):
        raise refused(name, value, "a whole number from %d to %d" % (minimum, maximum))
    return int(value)
