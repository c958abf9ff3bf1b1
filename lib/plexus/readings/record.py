"""Checks a reading against the API's rules and gives the bytes that its record is made of."""

from ..port import const, load, micropython
from .render import string_text
from .ring import FALSE, FLOAT64, INT, NEGATIVE, TEXT

_MAX_STRING = const(256)  # the API's limit on strings, in bytes of UTF-8


def check_finite(value):
    """ValueError if `value` is a float that JSON has no number for."""
    if isinstance(value, float) and value - value != 0:
        raise ValueError("value: NaN and infinity cannot be sent; leave the reading out")


@micropython.native
def kind_of(value):
    """The kind of record for a value; TEXT stands for all that `json_text` turns into bytes."""
    kind = type(value)
    if kind is float:
        check_finite(value)
        return FLOAT64
    if kind is bool:
        return FALSE + 1 if value else FALSE
    if kind is int and -0x80000000 < value < 0x80000000:
        return NEGATIVE if value < 0 else INT
    return TEXT


def json_text(value):
    """A value of kind TEXT as compact JSON (bytes); ValueError names what the API would refuse."""
    if isinstance(value, str):
        check_string("value", value, 0)
        return string_text(value)
    return load(__name__, "compound").compound_text(value)


def check_string(name, value, minimum=1):
    """ValueError unless `value` is a string of `minimum` to 256 bytes of UTF-8."""
    got = type(value).__name__
    if isinstance(value, str):
        size = len(value)
        if size > _MAX_STRING >> 2:
            try:
                size = len(value.encode())
            except UnicodeError:
                pass  # string_text() says it
        if minimum <= size <= _MAX_STRING:
            return
        got = "%d bytes" % size
    raise ValueError("%s: %s; give a string of %d to %d" % (name, got, minimum, _MAX_STRING))


def text(metric, behind):
    """What a ring keeps once for all readings of a metric with the same suffix (bytes)."""
    check_string("metric", metric)
    front = b',{"metric":' + string_text(metric, "metric") + b',"value":'
    sizes = (len(front) >> 8, len(front) & 255, len(behind) >> 8, len(behind) & 255)
    return bytes(sizes) + front + behind
