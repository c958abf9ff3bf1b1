"""What is JSON of its own in a reading: objects, arrays, big ints, tags, session, source.

Loaded with the first one.
"""

from array import array

from ..port import const, load
from .record import check_finite, check_string
from .render import float_text, string_text

# The API's limits, and ours for nesting: a board's C stack does not survive what 4096 B allow.
_MAX_JSON = const(4096)
_MAX_TAGS = const(16)
_MAX_DEPTH = const(16)
_OVERFLOWS = const(970)  # ints from (2^54 - 1) * 2^970 on are none of IEEE 754's binary64


def compound_text(value):
    """A value as compact JSON (bytes); ValueError names what the API would refuse."""
    if value is None:
        raise ValueError("value: None cannot be sent; leave the reading out")
    out = bytearray()
    grown = _write(out, value, 0)
    text = bytes(out)
    # The platform counts them as Go writes them again (encoding/json).
    size = len(text) + grown + 5 * (text.count(b"<") + text.count(b">") + text.count(b"&"))
    size += 3 * (text.count(b"\xe2\x80\xa8") + text.count(b"\xe2\x80\xa9"))
    if size > _MAX_JSON:
        raise ValueError(
            "value: %d B of JSON, at most %d; split it into several metrics" % (size, _MAX_JSON)
        )
    return text


def _expanded(text):
    # How many bytes longer Go writes a number with an exponent, which it does from 1e21 on and
    # below 1e-6 only.
    mantissa, found, exponent = text.partition(b"e")
    exponent = int(exponent) if found else 0
    sign = mantissa[:1] == b"-"
    if 0 < exponent < 21:
        return sign + exponent + 1 - len(text)
    if -7 < exponent < 0:
        return sign + 1 - exponent + len(mantissa.replace(b".", b"")) - sign - len(text)
    return 0


def _write(out, value, depth):
    # Returns how many bytes more its numbers take where Go writes them again.
    grown = 0
    if value is None:
        out.extend(b"null")
    elif value is True or value is False:
        out.extend(b"true" if value else b"false")
    elif isinstance(value, str):
        out.extend(string_text(value))
    elif isinstance(value, int):
        if abs(value) >> _OVERFLOWS >= (1 << 54) - 1:
            raise ValueError("value: an int of over 308 digits; send it as a string")
        out.extend(str(value).encode())
    elif isinstance(value, float):
        check_finite(value)
        text = float_text(value)
        grown = max(_expanded(text), 0)
        out.extend(text)
    elif depth == _MAX_DEPTH:
        raise ValueError("value: nested deeper than %d" % _MAX_DEPTH)
    elif isinstance(value, dict):
        mark = b"{"
        for key in value:
            if not isinstance(key, str):
                raise ValueError("value: an object's keys are strings, not %s" % type(key).__name__)
            out.extend(mark)
            mark = b","
            out.extend(string_text(key))
            out.extend(b":")
            grown += _write(out, value[key], depth + 1)
        out.extend(b"}" if value else b"{}")
    elif isinstance(value, (list, tuple, array)):
        mark = b"["
        for item in value:
            out.extend(mark)
            mark = b","
            grown += _write(out, item, depth + 1)
        out.extend(b"]" if len(value) else b"[]")
    else:
        if not isinstance(value, load(__name__, "decimal").Decimal):
            raise ValueError(
                "value: %s cannot be sent; use a number, str, bool, dict, list or array"
                % type(value).__name__
            )
        out.extend(str(value).encode())
    return grown


def suffix(tags, session_id, source_id, is_event=False):
    """The JSON behind a reading's time (bytes): its tags, session and source, and the end.

    The session goes into the tags as well, because servers store only those; 16 tags of the
    user's own leave no place for it there.
    """
    out = bytearray()
    count = 0
    if tags is not None:
        if not isinstance(tags, dict):
            raise ValueError("tags: a dict of strings, not %s" % type(tags).__name__)
        if len(tags) > _MAX_TAGS:
            raise ValueError("tags: %d of them, at most %d" % (len(tags), _MAX_TAGS))
        for key in sorted(tags, key=str):
            check_string("tag name", key)
            check_string("tag %r" % key, tags[key], 0)
            out.extend(b"," if count else b',"tags":{')
            out.extend(string_text(key, "tag name") + b":" + string_text(tags[key], "tag"))
            count += 1
    if session_id is not None:
        session = string_text(session_id, "session_id")
        if count < _MAX_TAGS and (tags is None or "session_id" not in tags):
            out.extend(b"," if count else b',"tags":{')
            out.extend(b'"session_id":' + session)
            count += 1
    if count:
        out.extend(b"}")
    if session_id is not None:
        out.extend(b',"session_id":' + session)
    if is_event:
        out.extend(b',"class":"event"')
    if source_id is not None:
        load("plexus", "options").check_source(source_id)
        out.extend(b',"source_id":' + string_text(source_id))
    out.extend(b"}")
    return bytes(out)
