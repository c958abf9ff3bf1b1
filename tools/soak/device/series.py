"""What the soak sends: each reading by its metric and serial number. The same on both interpreters.

A reading is known again by its metric with its value, its tags or its timestamp, as none of the
metrics has two that are equal in all three.
"""

import struct

_MASK = 0xFFFFFFFFFFFFFFFF
_EXPONENT = 0x7FF << 52
_EXPLICIT_MS = 1699900000123
_EXPLICIT_S = 1600000000

# By the thread that sends them. Those of "main" have times of their own, or one for several.
NUMBERS = (
    "number.count",
    "number.negative",
    "number.tenth",
    "number.third",
    "number.double",
    "number.large",
    "number.huge",
    "number.decimal",
)
TEXTS = (
    "text.plain",
    "text.escapes",
    "text.unicode",
    "text.longest",
    "object",
    "array",
    "switch.tagged",
    "tagged",
    "other.source",
)
EXPLICIT = ("explicit.ms", "explicit.s", "switch.explicit")
AGO = "ago"
BATCH = ("batch.left", "batch.right")
# The server refuses these: it names the reading of the first, and not that of the second.
POISON = ("poison.named", "poison.plain")
METRICS = NUMBERS + TEXTS + EXPLICIT + (AGO,) + BATCH + POISON


def value_of(metric, serial, decimal):
    """The value of a reading. `decimal(number, digits)` makes number / 10 ** digits."""
    kind = metric.split(".")[-1]
    if kind == "negative":
        return -1 - serial
    if kind == "tenth":
        return serial / 10
    if kind == "third":
        return -serial / 3
    if kind == "double":
        return _double(serial)
    if kind == "large":
        return (serial + 1) * 5000000000
    if kind == "huge":
        return -(10**30) - serial
    if kind == "decimal":
        return decimal(serial * 10 + 3, 7)
    if kind == "plain" and metric != "poison.plain":
        return "state %d" % serial
    if kind == "escapes":
        return 'quote" back\\ tab\t line\r\n nul\0 del\x7f %d' % serial
    if kind == "unicode":
        return "Grüße ☃ 😀 \u202e\u2028 %d" % serial
    if kind == "longest":
        text = "%d " % serial
        return text + "ä" * ((256 - len(text.encode())) // 2)
    if kind == "object":
        inner = {"x": serial / 8, "text": 'ß"%d' % serial, "none": None}
        return {"n": serial, "on": serial % 2 == 0, "inner": inner, "": [], "ü\n": {}}
    if kind == "array":
        return [serial, -1.5, "a\tb", True, None, [serial, [False]], {}]
    if metric.startswith("switch"):
        return serial % 2 == 0
    return serial


def options_of(metric, serial, source_id):
    """The keywords of send() for a reading of the device `source_id`."""
    if metric == "switch.tagged":
        return {"tags": {"n": str(serial)}}
    if metric == "tagged":
        return {"tags": {"room": "Küche", 'quote"': "tab\t\\", "empty": ""}}
    if metric == "other.source":
        return {"source_id": source_id + "-other"}
    if metric == "explicit.s":
        return {"timestamp": _EXPLICIT_S + serial}
    if metric in EXPLICIT:
        return {"timestamp": _EXPLICIT_MS + serial}
    return {}


def _double(serial):
    # Any finite double: a random exponent, of denormal ones as well.
    bits = (serial + 1) * 6364136223846793005 + 1442695040888963407 & _MASK
    bits = (bits ^ bits >> 33) * 0xFF51AFD7ED558CCD & _MASK
    if bits & _EXPONENT == _EXPONENT:
        bits ^= 1 << 62
    return struct.unpack("<d", bits.to_bytes(8, "little"))[0]
