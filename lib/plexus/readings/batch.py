"""What not every program sends: batches, events, and readings of a moment ago."""

from ..port import const, load
from .record import check_string, json_text, kind_of, text

_TEXT = const(13)  # a kind of record, see codec.py
_MAX_STRING = const(256)  # bytes, see record.py
_WRAP = const(0x3FFFFFFF)  # ticks count modulo 2^30 (or a multiple of it)
_HALF = const(0x20000000)
_HALF_HI = const(537)  # as many million ms are half of that
_TICKS = const(0)  # of a time map, see codec.py
_HI = const(1)
_LO = const(2)


def send_at(buffer, ticks, metric, value, tags=None, source_id=None, add=None):
    """Add a reading of the moment at which ticks_ms() was `ticks`, at most 6 days ago.

    Unlike one with a timestamp it may come before the time is known; what was before this
    client is then of its first moment. Else as send(); `add`: see Buffer.put.
    """
    time_map = getattr(buffer.clock, "time_map", None)
    if time_map is not None and time_map[_HI] < _HALF_HI:
        # The time counts from the client's start, and is never negative.
        since = (ticks - time_map[_TICKS] & _WRAP ^ _HALF) - _HALF
        since += time_map[_HI] * 1000000 + time_map[_LO]
        ticks = ticks - min(since, 0) & _WRAP
    buffer.accept(metric, value, None, tags, source_id, ticks, add)


def send_batch(buffer, points, timestamp=None, tags=None, source_id=None, add=None):
    """Add (metric, value) pairs with one timestamp: all of them or, if one is bad, none.

    With overflow="refuse" those before the first that finds no room are in.
    """
    ticks = buffer.ticks_ms()
    ready = []
    for metric, value in points:
        text(metric, b"")  # checks it
        kind = kind_of(value)
        ready.append((metric, kind, json_text(value) if kind == _TEXT else value))
    if timestamp is not None:
        timestamp = load(__name__, "timestamp").epoch_ms(timestamp)
    suffix = buffer.suffix_of(tags, source_id)
    for metric, kind, value in ready:
        buffer.put(metric, suffix, kind, value, ticks, timestamp, add)


def event(buffer, name, data=True, timestamp=None, tags=None, source_id=None):
    """Add what happened, in place of a measurement: a fault, a change of state, a log line.

    data: as a value of send(); a text of over 256 bytes is cut. The platform takes a number for a
    measurement unless the reading says that it is none, which this does.
    """
    ticks = buffer.ticks_ms()
    check_string("name", name)
    if isinstance(data, str):
        while len(data.encode()) > _MAX_STRING:
            data = data[: min(len(data) - 1, _MAX_STRING)]
    kind = kind_of(data)
    value = json_text(data) if kind == _TEXT else data
    suffix = buffer.suffix_of(tags, source_id)
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        suffix = load(__name__, "compound").suffix(tags, buffer.session_id, source_id, True)
    if timestamp is not None:
        timestamp = load(__name__, "timestamp").epoch_ms(timestamp)
    buffer.put(name, suffix, kind, value, ticks, timestamp)
