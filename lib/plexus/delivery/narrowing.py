"""Finds the reading that the server refuses: by its message, or by halving, until it goes alone.

It is given up only when something shows that the reading is at fault and not the request as such,
and when it is refused once more: at another time, unless the server names it.
"""

from ..port import const, ticks_diff
from . import MAX_BYTES, parse
from .verdict import CONFIRMED, FAILED, RATE_LIMITED, REFUSED, REFUSED_READING

_SEQ = const(7)  # of a cursor, see readings/codec.py
_WRAP = const(0x3FFFFFFF)
_AGAIN_MS = const(1000)


def _index(message):
    # i of "points[i]" in the server's message, or -1.
    _, found, rest = message.partition("points[")
    number = rest.partition("]")[0]
    try:
        return int(number) if found and len(number) < 6 else -1
    except ValueError:
        return -1


class Narrowing:
    """The search that follows a refused batch of `delivery`. `next`: so many readings go next."""

    def __init__(self, delivery):
        self._delivery = delivery
        self._suspects = 0  # so many of the oldest readings hold one that is refused
        self._named = False  # the server named the refused one,
        self._turn = False  # and that one goes next
        self._proven = False  # some of the batch that was refused have passed
        self._passed = []  # the numbers of readings that passed alone, to show another's fault
        self._blamed = (-1, 0)  # the number of who is given up if refused again, and the ticks
        self.next = 0

    def count(self):
        """How many readings go next; 0: as many as a batch has. Those that passed are let go of."""
        delivery = self._delivery
        while self._passed:
            first = delivery.body._ring.tail[_SEQ]
            self._passed = [seq for seq in self._passed if (seq - first & _WRAP) <= _WRAP >> 1]
            ahead = min([seq - first & _WRAP for seq in self._passed] or [1])
            if ahead:
                return min(self.next or delivery.batch, ahead)
            if delivery.body.measure(1, MAX_BYTES) and delivery.body.start == first:
                self._passed.remove(first)
                delivery.buffer.confirmed += delivery.buffer.confirm(delivery.body)
        return self.next

    def confirmed(self, sent):
        """`sent` of the oldest readings have passed: whether the search goes on."""
        self._proven = self._suspects > 0
        if self._suspects <= sent:
            self._suspects = self.next = 0
            return bool(self._passed)
        # What was in front of the refused reading has passed: on to the rest.
        self._suspects -= sent
        if self._turn:
            self._named = False  # it was not the one
        self._turn = self._named
        self.next = 1 if self._named else max(1, self._suspects // 2)
        return True

    def refused(self, dated):
        """What was sent last is refused: CONFIRMED if the search goes on, else the verdict."""
        delivery = self._delivery
        sent = delivery.body.count
        text = delivery.message
        message = text if isinstance(text, str) else ""
        if sent > 1:
            index = _index(message)
            self._named = 0 <= index < sent
            self._turn = index == 0
            self._suspects = sent
            self.next = (index or 1) if self._named else sent // 2
            return CONFIRMED
        seq = delivery.body.start
        status = delivery.status
        verdict = self._blame(message, dated)
        delivery.status = status
        delivery.message = text
        if verdict != REFUSED_READING:
            return verdict
        now = delivery.buffer.ticks_ms()
        named = _index(message) == 0
        self.next = 1
        if seq != self._blamed[0]:
            self._blamed = seq, now
        elif named or ticks_diff(now, self._blamed[1]) >= _AGAIN_MS:
            self._reject(seq, message, dated)
            return CONFIRMED
        return CONFIRMED if named else FAILED

    def _blame(self, message, dated):
        # The verdict on a refusal of one reading: REFUSED_READING if it is the reading's fault. A
        # server that names point 0 of a request of one means it, and so does one that took others
        # of the same batch. Otherwise it shows whether it refuses us altogether by what it says
        # to a request with no reading, and if it refuses that as well, to a few others alone.
        delivery = self._delivery
        if _index(message) == 0 or self._proven:
            return REFUSED_READING
        first = delivery.body._ring.tail[_SEQ]
        for skip in (0, 1, 2, 4, 8, 16):
            if skip >= delivery.body._ring.pending:
                break
            if skip and (first + skip & _WRAP) in self._passed:
                continue
            verdict = delivery.post(1 if skip else 0, dated, skip)
            if verdict == CONFIRMED:
                if skip and delivery.stored:
                    self._passed.append(delivery.body.start)
                return REFUSED_READING
            if verdict == FAILED or verdict == RATE_LIMITED:
                return verdict
        return REFUSED

    def _reject(self, seq, message, dated):
        # Drop the refused reading, and name it.
        delivery = self._delivery
        body = delivery.body
        if body.measure(1, MAX_BYTES, dated) and body.start == seq:
            delivery.rejection = (self._metric(), message)
            delivery.buffer.rejected += delivery.buffer.confirm(body)
        delivery.retry.succeeded()
        self._blamed = (-1, 0)
        self._proven = False
        self._suspects = self.next = 0

    def _metric(self):
        # The metric of the one reading that was measured: None if there is no memory to tell.
        try:
            text = b"".join([bytes(piece) for piece in self._delivery.body])
        except (MemoryError, OSError):  # OSError: a full ring has just dropped it
            return None
        request = parse(text)
        return request["points"][0]["metric"] if request else None
