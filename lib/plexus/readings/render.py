"""The ring's bytes -> JSON in 1024-byte pieces whose total length is known before the first."""

import struct

from ..port import const, load
from .ring import NO_USE, copy, cursor, digits, shift, walk

_SEQ = const(7)
_FLOAT_BYTES = const(8)
_RAW = const(40)
_PIECE = const(1024)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)

# Board floats are single precision: 2^24 + 1 is no such number.
SINGLE = 16777217.0 == 16777216.0


def float_text(value):
    """Shortest decimal (bytes) that reads back as the same float of this interpreter; finite."""
    tmp = bytearray(_RAW + 8)  # of its own: a callback may send another on top of this
    struct.pack_into("<f" if SINGLE else "<d", tmp, _RAW, value)
    return bits_text(tmp, not SINGLE, SINGLE)


def bits_text(tmp, wide, single):
    """Shortest decimal (bytes) of the float in tmp[40:], a FLOAT64 if `wide`: see codec.digits."""
    span = digits(tmp, wide, single, 30)
    if span:
        return bytes(tmp[span >> 8 : span & 255])
    return load(__name__, "dtoa").text(tmp, wide, single)


def string_text(text, name="value"):
    """A str as JSON (bytes, UTF-8). ValueError, naming `name`, if it has half a surrogate pair."""
    try:
        raw = text.encode()
    except UnicodeError:
        raw = b"\xed\xa0"  # CPython refuses to write what MicroPython does
    plain = True
    last = 0
    for byte in raw:
        if byte < 32 or byte == 34 or byte == 92:
            plain = False
        elif byte > 0x9F and last == 0xED:
            raise ValueError(name + ": half a surrogate pair is no text; leave it out")
        last = byte
    if plain:
        return b'"' + raw + b'"'
    out = bytearray(b'"')
    for byte in raw:
        if byte == 34 or byte == 92:
            out.append(92)
        elif byte < 32:
            out.extend(b"\\u%04x" % byte)
            continue
        out.append(byte)
    out.append(34)
    return bytes(out)


def render(ring, at, out, mode, n, pos, room, limit):
    """Ring.walk, and the floats that it leaves to somebody else."""
    stop = at[_SEQ] + n
    while True:
        pos = walk(
            0,
            0,
            0,
            ring.data,
            at,
            ring.texts,
            NO_USE,
            ring.tmp,
            out,
            mode,
            n,
            pos,
            room,
            limit,
            b"",
        )
        wide = at[_FLOAT_BYTES]
        if not wide:
            return pos
        text = bits_text(ring.tmp, wide == 8, mode & 1)
        before = at[_SEQ]
        pos = ring.walk(at, out, mode, 1, pos, room, limit, text)
        n = (stop - at[_SEQ]) & _WRAP
        if at[_SEQ] == before or not n:
            return pos


class Body:
    """The JSON of one ingest request: an iterable of pieces with the length of them all.

    Made once, used for every request: `measure()`, then iterate (again to send it again).
    `lock` guards the ring; it is held while a piece is made, never while one is on its way.
    """

    def __init__(self, ring, lock, head):
        self._ring = ring
        self._lock = lock
        self._head = head
        self._out = memoryview(bytearray(_PIECE))
        self._first = cursor()
        self._at = cursor()
        self.end = cursor()
        self.start = self.count = self.len = 0
        self._mode = self._left = self._pos = 0
        self._begun = False
        self.torn = False  # readings were dropped before they were out

    def measure(self, count, limit, dated=True, skip=0):
        """Take up to `count` of the oldest readings and `limit` B of body: how many that is.

        dated=False leaves out the times that the clock gave. `skip` passes over the oldest.
        After it `start` is the first one's number, `end` the cursor behind the last, `len` the
        body's length in bytes.
        """
        self._mode = (1 if SINGLE else 0) | (0 if dated else 2)
        fixed = len(self._head) + 2
        ring = self._ring
        first = self._first
        end = self.end
        with self._lock:
            copy(first, ring.tail)
            if skip:
                ring.walk(first, self._out, 0, min(skip, ring.pending), 0, 0, _ALL, b"0")
            copy(end, first)
            self.start = first[_SEQ]
            count = min(count, ring.pending - skip)
            # Each reading begins with its comma; the first one's lies before the start, at -1.
            length = 0
            if count > 0:
                length = render(ring, end, self._out, self._mode, count, -1, 0, limit - fixed)
        self.count = (end[_SEQ] - self.start) & _WRAP
        self.len = max(length, 0) + fixed
        return self.count

    def __iter__(self):
        copy(self._at, self._first)
        self._left = self.count
        self._pos = -1
        self._begun = False
        self.torn = False
        return self

    def date(self, hi, lo):
        """The clock is known now: what the ring did to its readings' times, to these places."""
        for at in (self._first, self._at, self.end):
            shift(at, hi, lo)

    def __next__(self):
        # The head; pieces of _PIECE bytes, always in the same memory; the last with "]}".
        if not self._begun:
            self._begun = True
            return self._head
        left = self._left
        if left < 0:
            if left == -1:
                raise StopIteration
            self._left = -1
            return b"]}"
        at = self._at
        before = at[_SEQ]
        with self._lock:
            if self._ring.passed(before):
                self.torn = True
                raise OSError("a full ring dropped readings that were being sent")
            end = render(self._ring, at, self._out, self._mode, left, self._pos, _PIECE, _PIECE)
        left -= (at[_SEQ] - before) & _WRAP
        out = self._out
        if left:
            self._left = left
            self._pos = end - _PIECE  # so much of the next reading is out
            return out
        self._left = -1
        end = max(end, 0)
        if end + 2 > _PIECE:
            self._left = -2
            return out[:end]
        out[end] = 93
        out[end + 1] = 125
        return out[: end + 2]
