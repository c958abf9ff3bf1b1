"""Finds what a limit on one source keeps out of the store, where the server does not say it.

An answer that counts fewer readings than were sent, and none as dropped, tells that some were not
stored, and not which. To send all of them again would store the others twice, again and again. So
each source's readings of that batch are sent apart, the one first whose number is what is missing.
A source of which nothing is stored, twice and a second apart, while others are stored, is over a
limit of the server's: its readings of this batch are let go of and counted as discarded.
"""

from ..port import const, ticks_diff
from ..readings.source_body import SourceBody, reach, sources
from . import MAX_BYTES
from .verdict import CONFIRMED, FAILED

_WRAP = const(0x3FFFFFFF)
_AGAIN_MS = const(1000)
_KNOWN_MS = const(600000)  # so long a source that was over its limit is taken to be so

# A group of readings: [source, the number of the first, the number behind the last, ticks when
# none of it was stored, or None].
_SOURCE = const(0)
_FIRST = const(1)
_BEHIND = const(2)
_SINCE = const(3)


def limits(delivery, discarded=0):
    """The search after a short count of the batch in `delivery.body`; None: it has one source.

    discarded: the server says so many; then there is no search, only `delivery.limited` tells whose
    they were, if that can be told.
    """
    body = delivery.body
    buffer = delivery.buffer
    count = body.count
    with buffer.lock:
        counts = sources(body._ring, body.start, count)
        if not (discarded or len(counts) > 1 or _is_known(delivery, counts)):
            # Whether others are stored is for the next reading of another one to show.
            count = reach(body._ring, body.start)
            counts = sources(body._ring, body.start, count)
    if not discarded:
        several = len(counts) > 1 or _is_known(delivery, counts)
        return Limits(delivery, counts, count) if several else None
    alike = [source for source in counts if counts[source] == discarded or len(counts) == 1]
    delivery.limited = alike[0] if len(alike) == 1 else None, buffer.ticks_ms()
    return None


def _is_known(delivery, counts):
    # Whether one of them was over its limit just now.
    known = delivery.limited
    fresh = known and ticks_diff(delivery.buffer.ticks_ms(), known[1]) < _KNOWN_MS
    return bool(fresh and known[0] in counts)


class Limits:
    """The search among `count` readings: `step()` until `delivery.limits` is None again."""

    def __init__(self, delivery, counts, count):
        self._delivery = delivery
        body = delivery.body
        first, behind = body.start, body.start + count & _WRAP
        stored = delivery.stored
        missing = body.count - stored
        self._behind = behind
        self._discarded = 0
        self._others_pass = stored > 0
        self._body = SourceBody(body)
        alike = [source for source in counts if counts[source] == missing]
        order = sorted(counts, key=lambda source: counts[source])
        self._rest = []  # groups that are stored, if what is missing is the one source's
        self._groups = []
        for source in order:
            group = [source, first, behind, None]
            if len(alike) == 1 and source != alike[0]:
                self._rest.append(group)
            else:
                self._groups.append(group)
        if len(alike) == 1 and _is_known(delivery, alike):
            self._discard(alike[0], missing)
            self._groups = []

    def step(self, dated):
        """One request at most. CONFIRMED: go on; else the verdict, and time has to pass."""
        delivery = self._delivery
        body = self._body
        while self._groups:
            group = self._groups[0]
            body.source, body.first, body.behind = group[:_SINCE]
            if not body.measure(1, MAX_BYTES):
                self._groups.pop(0)  # a full ring has dropped it
                continue
            verdict = delivery.post(delivery.maximum, dated, 0, body)
            if verdict == CONFIRMED:
                self._discarded += body.count - delivery.stored
                self._others_pass = True
                group[_FIRST] = body.stop
                self._groups += self._rest  # more than that one was missing, it seems
                self._rest = []
                return CONFIRMED
            if verdict != FAILED or delivery.stored is None:
                return verdict
            return self._short(group)
        delivery.limits = None
        self._settle(dated)
        return CONFIRMED

    def _short(self, group):
        # Some of a group were not stored.
        delivery = self._delivery
        body = self._body
        now = delivery.buffer.ticks_ms()
        if delivery.stored:
            self._others_pass = True
            middle = group[_FIRST] + ((body.stop - group[_FIRST] & _WRAP) >> 1) & _WRAP
            self._groups[0] = [group[_SOURCE], group[_FIRST], middle, None]
            self._groups.insert(1, [group[_SOURCE], middle, group[_BEHIND], None])
            return CONFIRMED if middle != group[_FIRST] else FAILED
        if group[_SINCE] is None:
            group[_SINCE] = now
        elif self._others_pass and ticks_diff(now, group[_SINCE]) >= _AGAIN_MS:
            self._discard(group[_SOURCE], body.count)
            group[_FIRST] = body.stop
            return CONFIRMED
        for other in range(1, len(self._groups)):
            if self._groups[other][_SINCE] is None:
                self._groups.insert(0, self._groups.pop(other))  # meanwhile
                return CONFIRMED
        return FAILED

    def _discard(self, source, count):
        delivery = self._delivery
        self._discarded += count
        delivery.limited = source, delivery.buffer.ticks_ms()

    def _settle(self, dated):
        # All of the batch is stored or discarded.
        delivery = self._delivery
        buffer = delivery.buffer
        body = delivery.body
        while True:
            left = body._ring.left(self._behind)
            if not left or not body.measure(left, MAX_BYTES, dated):
                break
            discarded = min(self._discarded, body.count)
            self._discarded -= discarded
            count = buffer.confirm(body)
            buffer.discarded += discarded
            buffer.confirmed += count - discarded
        delivery.retry.succeeded()
