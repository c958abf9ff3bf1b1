"""Readings that outlive a power cut: files of them, in front of the ring as one queue with it.

A file is a segment (readings/segment.py) of one flash sector at most, written once. Which there
are is told by their names alone, `number-count` or `number-count-times`: `times` is missing if the
readings have real times, `+` and hexadecimal ms is what each lacks, and anything else names the
time line of a run whose clock was not known (`line`).

Flash is written by tick() and persist() alone, never by send(), which may be in a callback: to
write a sector stops a board for 0.1 s. See writing.py, and docs/store.md for the policy.
"""

import errno

from ..port import const, load_once, ticks_diff

SEGMENT_BYTES = const(4096)
# A file in the list: its number, how many readings, `times`; the ring's number of its first
# reading, None if an earlier run wrote it; how many of its readings are settled.
NUMBER = const(0)
COUNT = const(1)
TIMES = const(2)
FIRST = const(3)
DONE = const(4)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)
_AWAY_EIGHTHS = const(6)  # so full a ring is written while the network is away,
_FULL_EIGHTHS = const(7)  # and so full anyway: what comes is more than what goes
_MOST_POINTS = const(10000)  # in one request
_AGAIN_MS = const(60000)


class Store:
    """The files in `folder`, at most `most` of them, and the ring of `delivery` as one queue.

    interval_ms: so old may readings get in RAM alone while the network is away. undated: send those
    whose time nobody knows any more without a time; else they stay. whole: a segment goes in one
    request, so that a power cut repeats no more than that.
    """

    def __init__(self, delivery, folder, most, interval_ms, undated, whole, random, on_shift):
        self.delivery = delivery
        self.folder = folder
        self.most = most
        self.memory = bytearray(SEGMENT_BYTES)
        self.files = []  # the oldest first
        self.copy = None  # a file whose readings are still in the ring, too: its oldest ones
        self.line = "%x" % int.from_bytes(random(4), "big")  # of this run's times
        self.lacks = {}  # by line: (hi, lo) that its times lack
        self.stale = False  # names of files still tell less than is known of their times
        self.problem = None  # what the file system said last, as an OSError's first argument
        self.damaged = 0  # readings in files that could not be read
        self.again_at = None  # ticks: not before, after a problem
        self._interval_ms = interval_ms
        self._undated = undated
        self._whole = whole
        self._on_shift = on_shift
        self._told = (None, 0, 0)
        self._loaded = None  # the file whose readings `memory` has, and the delivery's body
        # What is in RAM alone has come after `_safe_at`; from number `_mark` on, after `_mark_at`.
        self._mark = delivery.buffer.ring.next
        self._safe_at = self._mark_at = delivery.buffer.ticks_ms()
        load_once(__name__, "folder").find(self)

    @property
    def pending(self):
        """Readings that are in files alone, and are to be sent."""
        return sum([file[COUNT] - file[DONE] for file in self.files if self.is_due(file)])

    def left(self, seq):
        """How many readings in files go before the one to which the ring has given number `seq`."""
        count = 0
        for file in self.files:
            if self.is_due(file):
                ahead = file[COUNT]
                if file[FIRST] is not None:
                    ahead = seq - file[FIRST] & _WRAP
                    ahead = 0 if ahead > _WRAP >> 1 else min(ahead, file[COUNT])
                count += max(ahead - file[DONE], 0)
        return count

    def is_due(self, file):
        """Whether a file's readings are to be sent: unless nobody knows their times any more."""
        times = file[TIMES]
        known = not times or times[0] == "+" or times in self.lacks
        return known or self._undated or times == self.line

    def date(self, hi, lo):
        """In the place of a clock's on_shift(): times of this run lack so much."""
        self.lacks[self.line] = hi, lo
        self.stale = True
        self._on_shift(hi, lo)
        file = self._loaded
        if file:
            body = self.delivery.body
            if file[TIMES] == self.line:
                body._ring.date(hi, lo)
            else:
                body.date(-hi, -lo)  # what is being sent is of another run

    def tick(self, away):
        """Write what is due. away: the network is, or the readings wait for something else."""
        buffer = self.delivery.buffer
        ring = buffer.ring
        now = buffer.ticks_ms()
        if ring.left(self._mark) <= self.copied():
            self._safe_at = self._mark_at
            self._mark_at = now
            self._mark = ring.next
        if self.again_at is not None and ticks_diff(now, self.again_at) < 0:
            return
        used = ring.used * 8 // len(ring.data)
        full = used >= (_AWAY_EIGHTHS if away else _FULL_EIGHTHS)
        late = away and ticks_diff(now, self._safe_at) >= self._interval_ms
        if full or late or self.stale:
            try:
                writing = load_once(__name__, "writing")
                if self.stale:
                    writing.rename(self)
                elif full:
                    writing.spill(self)
                elif writing.persist(self):
                    self._safe_at = self._mark_at = now
                    self._mark = ring.next
            except MemoryError:
                self.failed(OSError(errno.ENOMEM))

    def copied(self):
        """How many of the ring's readings are safe in a file."""
        copy = self.copy
        return self.delivery.buffer.ring.left(copy[FIRST] + copy[COUNT] & _WRAP) if copy else 0

    def step(self, known):
        """delivery.step() with the oldest readings, wherever they are. known: the clock is."""
        delivery = self.delivery
        while True:
            file = None
            for file in self.files:
                if self.is_due(file):
                    break
            else:
                file = None
            if file is self._loaded:
                break
            self.release()
            if not file or self._load(file):
                break
        copied = 0 if file else self.copied()
        if file:
            times = file[TIMES]
            known = not times or times[0] == "+" or times in self.lacks
        before = given = delivery.batch
        if self._whole and before >= delivery.maximum and (file or copied):
            given = min(copied or delivery.body._ring.pending, _MOST_POINTS)
            delivery.batch = given
        done = 0
        try:
            done = delivery.step(known)
        finally:
            if delivery.batch == given:
                delivery.batch = before
            elif given != before:
                limit = delivery.maximum
                delivery.batch = limit if done else max(min(delivery.batch, limit - 1), 1)
            if file:
                file[DONE] = file[COUNT] - delivery.body._ring.pending
                if file[DONE] == file[COUNT]:
                    self.release()
                    self.files.remove(file)
                    self.remove(file)
            elif self.copy and not self.copied():
                file, self.copy = self.copy, None
                self.remove(file)
        return done

    def _load(self, file):
        # True; or False if it is damaged, and gone.
        try:
            ring = load_once(__name__, "folder").read(self, file)
        except (OSError, ValueError):
            self.damaged += file[COUNT] - file[DONE]
            self.files.remove(file)
            self.remove(file)
            return False
        if file[DONE]:
            ring.walk(ring.tail, ring.tmp, 0, file[DONE], 0, 0, _ALL, b"0")
        with self.delivery.buffer.lock:
            lacks = self.lacks.get(file[TIMES])
            if lacks:
                ring.date(*lacks)
            self.delivery.body._ring = ring
            self._loaded = file
        return True

    def release(self):
        """What delivers is at the ring again, and `memory` is free."""
        delivery = self.delivery
        with delivery.buffer.lock:
            delivery.body._ring = delivery.buffer.ring
            self._loaded = None
        # What these know are numbers of other readings.
        delivery.narrowing = delivery.limits = None

    def remove(self, file):
        """Let go of a file."""
        load_once(__name__, "folder").remove(self, file)

    def failed(self, error):
        """An OSError of the file system's: it is kept, and a while passes before the next try."""
        self.problem = error.args[0] if error.args else 0
        self.again_at = self.delivery.buffer.ticks_ms() + _AGAIN_MS & _WRAP

    def tell(self, px, say):
        """Tell the server, and say(what, words) a person, of what is new that is wrong."""
        # The words count readings, and so change.
        undated = len([file for file in self.files if not self.is_due(file)])
        new = (self.problem, self.damaged, undated)
        if new != self._told:
            self._told = new
            words = self.trouble
            if words:
                px.event("device.problem", "store: " + words)
                say("store", words)

    @property
    def trouble(self):
        """What a person should know of it, in words; "" if that is nothing."""
        return load_once(__name__, "telling").trouble(self)
