"""The JSON of a request with the readings of one source, of those that wait. Loaded in trouble."""

from ..port import const
from .render import SINGLE, Body, render
from .ring import copy, cursor

_POS = const(0)  # of a cursor
_SEQ = const(7)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)
_PIECE = const(1024)
_OTHERS = const(15)  # of a record's head, see codec.py
_FIELD = b',"source_id":"'


def source_of(ring, at):
    """The source of the reading at a cursor, as the end of its JSON (bytes); b"": the request's."""
    data = ring.data
    pos = at[_POS]
    number = data[pos] >> 4
    if number == _OTHERS:
        number += data[(pos + 1) % len(data)]
    text = ring.texts[number]
    start = text.rfind(_FIELD)
    # A tag of that name is in an object of its own.
    return b"" if start < 0 or text[-2:] == b"}}" else bytes(text[start:])


def sources(ring, first, count):
    """{source: how many of the `count` readings from number `first` on}; see source_of()."""
    counts = {}
    at = cursor()
    copy(at, ring.tail)
    behind = first + count & _WRAP
    for _ in range(ring.left(behind)):
        source = source_of(ring, at)
        counts[source] = counts.get(source, 0) + 1
        _skip(ring, at)
    return counts


def reach(ring, first):
    """How many readings from number `first` on there are up to the first of another source, or at
    all."""
    at = cursor()
    copy(at, ring.tail)
    source = None
    while at[_SEQ] != ring.head[_SEQ]:
        found = source_of(ring, at)
        _skip(ring, at)
        if source is None:
            source = found
        elif found != source:
            break
    return at[_SEQ] - first & _WRAP


def _skip(ring, at):
    ring.walk(at, ring.tmp, 0, 1, 0, 0, _ALL, b"0")


class SourceBody(Body):
    """As a Body, of the readings of `source` from number `first` to before number `behind`.

    After measure(), `stop` is the number behind the last one that it took. It uses the other
    body's memory: one of them at a time.
    """

    def __init__(self, body):
        self._ring = body._ring
        self._lock = body._lock
        self._head = body._head
        self._out = body._out
        self._first = body._first
        self._at = cursor()
        self.end = body.end
        self.source = b""
        self.start = self.count = self.len = self.first = self.behind = self.stop = 0
        self._mode = self._left = self._pos = 0
        self._begun = False
        self.torn = False

    def measure(self, count, limit, dated=True, skip=0):
        self._mode = (1 if SINGLE else 0) | (0 if dated else 2)
        fixed = len(self._head) + 2
        ring = self._ring
        at = self._at
        length = -1
        self.count = 0
        with self._lock:
            copy(self._first, ring.tail)
            copy(at, ring.tail)
            self.start = self.stop = at[_SEQ]
            while self.count < count and self._seek(at):
                before = at[_SEQ]
                length = render(ring, at, self._out, self._mode, 1, length, 0, limit - fixed)
                if at[_SEQ] == before:
                    break
                self.count += 1
                self.stop = at[_SEQ]
        self.len = max(length, 0) + fixed
        return self.count

    def __next__(self):
        if not self._begun or self._left < 0:
            return super().__next__()
        at = self._at
        ring = self._ring
        out = self._out
        pos = self._pos
        with self._lock:
            if ring.passed(at[_SEQ]):
                self.torn = True
                raise OSError("a full ring dropped readings that were being sent")
            while self._left and self._seek(at):
                before = at[_SEQ]
                pos = render(ring, at, out, self._mode, 1, pos, _PIECE, _PIECE)
                if at[_SEQ] == before:
                    self._pos = pos - _PIECE
                    return out
                self._left -= 1
        self._left = -1
        pos = max(pos, 0)
        if pos + 2 > _PIECE:
            self._left = -2
            return out[:pos]
        out[pos] = 93
        out[pos + 1] = 125
        return out[: pos + 2]

    def _seek(self, at):
        # Whether there is one from `at` on, which is there then.
        ring = self._ring
        while ring.left(self.behind) and at[_SEQ] != self.behind:
            if self._is_in(at[_SEQ]) and source_of(ring, at) == self.source:
                return True
            _skip(ring, at)
        return False

    def _is_in(self, number):
        return (number - self.first & _WRAP) < (self.behind - self.first & _WRAP)
