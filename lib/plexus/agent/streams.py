"""What somebody watches on the dashboard: which readings, and how often."""

from ..port import const, micropython
from ..readings.record import check_string
from .message import refused, whole_in

_METRICS = const(64)  # that a stream may name, and for which it keeps when the next one is due
_NAME = const(256)
_SLOWEST_MS = const(86400000)
_TICKS = const(0x3FFFFFFF)  # they count modulo 2^30 (or a multiple of it)
_TICKS_HALF = const(0x20000000)
_WRAPPED_MS = const(0x10000000)  # nothing is due so late: its ticks have begun anew since


class Stream:
    """What somebody watches: `metrics` (none: all), each at most once in `interval_ms`.

    store: what only the live view would get is to be kept, too. session: it belongs to a recording
    session, which keeps, and which outlives a connection.
    """

    def __init__(self, id, metrics=None, interval_ms=0, store=False, session=False):
        check_string("id", id)
        if metrics is None:
            metrics = ()
        if not isinstance(metrics, (list, tuple, set)) or len(metrics) > _METRICS:
            raise ValueError("metrics: give a list of up to %d names; none for all" % _METRICS)
        for metric in metrics:
            if not isinstance(metric, str) or not 0 < len(metric) <= _NAME:
                text = repr(metric)[:40]
                raise ValueError(
                    "metrics: %s is none; give names of 1 to %d characters" % (text, _NAME)
                )
        if (
            isinstance(interval_ms, bool)
            or not isinstance(interval_ms, int)
            or not 0 <= interval_ms <= _SLOWEST_MS
        ):
            raise ValueError(
                "interval_ms: %r; give a whole number from 0 to %d" % (interval_ms, _SLOWEST_MS)
            )
        self.id = id
        self.metrics = set(metrics)
        self.interval_ms = interval_ms
        self.store = bool(store or session)
        self.session = bool(session)
        self._due = {}  # hash of metric and tags -> ticks

    def wants(self, metric):
        """Whether it is one of those to show."""
        return not self.metrics or metric in self.metrics

    @micropython.native
    def take(self, metric, suffix, ticks):
        """Whether this reading is one to show, which counts it: the next is due an interval later.

        A regular source may be early by an eighth of the interval; on average it is no faster.
        Beyond 64 metrics that are busy, the others share one turn, as do two of the same hash.
        """
        if self.metrics and metric not in self.metrics:
            return False
        interval_ms = self.interval_ms
        if not interval_ms:
            return True
        table = self._due
        # A small int takes no memory of its own: MicroPython's hashes have 16 bits.
        key = hash(metric) << 14 ^ (len(metric) if suffix is None else hash(suffix))
        due = table.get(key)
        if due is None and len(table) >= _METRICS:
            key = self._room_for(key, ticks)
            due = table.get(key)
        if due is not None:
            early_ms = (due - ticks & _TICKS ^ _TICKS_HALF) - _TICKS_HALF
            if interval_ms >> 3 < early_ms < _WRAPPED_MS:
                return False
            if -interval_ms < early_ms < _WRAPPED_MS:
                ticks = due
        table[key] = ticks + interval_ms & _TICKS
        return True

    def _room_for(self, key, ticks):
        # Those that are long due begin anew in any case: nothing is lost with them.
        table = self._due
        for other in list(table):
            late_ms = (ticks - table[other] & _TICKS ^ _TICKS_HALF) - _TICKS_HALF
            if late_ms >= self.interval_ms:
                del table[other]
        return key if len(table) < _METRICS else None


def stream_of(fields, stream_id, session=False):
    """The Stream that a message asks for, or ValueError."""
    store = fields.get("store")
    if store is not None and not isinstance(store, bool):
        raise refused("store", store, "true or false")
    interval_ms = fields.get("interval_ms")
    if interval_ms is None:
        interval_ms = 0
    elif isinstance(interval_ms, float):
        interval_ms = whole_in(fields, "interval_ms", 0, _SLOWEST_MS, 0)  # some write 100 as 100.0
    return Stream(stream_id, fields.get("metrics"), interval_ms, store is True, session)
