"""What send() fills and a flush empties: the ring, its lock, and the box for interrupted sends."""

from array import array
from collections import deque

from . import borrow, load
from ._port import Lock, bytes_of, const, get_ident, micropython, sleep_ms, ticks_ms
from .kernel import append
from .record import check_string, json_text, kind_of, text
from .render import SINGLE
from .ring import Ring

_BOX = const(16)
_PATIENCE_MS = const(20)
_FLOAT64 = const(10)  # kinds of record, see _viper.py
_TEXT = const(13)
_EXPLICIT = const(16)
_SINGLE = int(SINGLE)

# What has a module of its own, by name.
_PROPERTIES = ("status", "answers", "unanswered")
_METHODS = {
    "send_at": "batch",
    "send_batch": "batch",
    "open": "batch",
    "session": "session",
    "set_session": "session",
    "credentials": "origin",
    "hasten": "origin",
}

# A module's names are found sooner than the interpreter's own.
_type = type
_float = float


class BufferFull(Exception):
    """send() with overflow="refuse" found no room."""


class OwnedLock:
    """`with lock:` as usual; `enter()` and `exit()` where a callback may be on top of it."""

    def __init__(self):
        lock = Lock()
        self.acquire = lock.acquire
        self.release = lock.release
        self.holder = [0]  # its thread; 0: nobody, or somebody who is just coming or going

    def enter(self):
        """Get the lock: True; or False if this thread has it already, below this call."""
        patience = _PATIENCE_MS
        while not self.acquire(False):
            holder = self.holder[0]
            if holder == get_ident() or not patience:
                return False
            if holder:
                self.acquire()
                break
            # A thread between acquire() and the next line, or we are on top of it: it is seldom.
            sleep_ms(1)
            patience -= 1
        self.holder[0] = get_ident()
        return True

    def exit(self):
        self.holder[0] = 0
        self.release()

    def __enter__(self):
        self.acquire()
        self.holder[0] = get_ident()

    def __exit__(self, kind, value, traceback):  # no *_: that would be a tuple each time
        self.exit()


class Buffer:
    """A ring that any thread, task or timer callback may add to, also during a flush.

    A timer callback runs on top of the code that it interrupts, and that may hold the lock: to
    wait for it would stop the board. So a callback that finds the lock taken by its own thread
    leaves the reading in a small box, which who has the lock empties. Another thread waits.

    The way of one number is machine code, where the port has it, and looks up little by name:
    bytecode would allocate a frame for each call, which in a large heap costs more than the rest.
    """

    def __init__(self, clock, overflow, lock=None):
        self.lock = lock or OwnedLock()  # which guards the clock's line, too
        self.clock = clock
        self.ticks_ms = getattr(clock, "ticks_ms", ticks_ms)
        self.session_id = None
        self._suffix = b"}"  # of a reading without tags: the JSON behind its time
        self._refuse = overflow == "refuse"
        self._dropped = 0
        self._box_dropped = 0
        self._known = {}  # metric -> its text's number, for readings without tags
        self._box = deque((), _BOX)
        self._box_lock = Lock()
        self._real = array("d", (0,))
        self._raw = bytes_of(self._real)
        self._stamp = array("i", (0, 0, 0, 0, 0x4000))
        self._parts = None
        self.send = self.send  # found at once, and not behind all the other names
        self.ring = Ring()

    def listen(self, tap):
        """Have tap(metric, suffix, kind, value, ticks, stamp) called after each reading is added.

        Its arguments are those of put(). It may be called in any thread, also on top of another
        call of itself, and raises nothing. None: nobody listens any more, which costs nothing.
        """
        ring = self.ring
        line = getattr(self.clock, "line", None)
        self._parts = (
            self.lock.acquire,
            self.lock.release,
            self.lock.holder,
            self._box,
            {}.get if line is None else self._known.get,  # no line, no short way
            ring.data,
            len(ring.data),
            ring.tail,
            ring.head,
            ring.tmp,
            self._real,
            self._raw,
            line,
            tap,
        )

    @property
    def pending(self):
        """Readings that wait for the server's confirmation."""
        return self.ring.pending + len(self._box)

    @property
    def dropped(self):
        """Readings that a full ring let go of."""
        return self._dropped + self._box_dropped

    def __getattr__(self, name):
        # What not every program asks for is loaded when one does.
        if name in _PROPERTIES:
            return getattr(borrow("words"), name)(self)
        place = _METHODS.get(name)
        if place is None:
            raise AttributeError(name)
        function = getattr((borrow if place == "origin" else load)(place), name)
        return lambda *args, **options: function(self, *args, **options)

    @micropython.native
    def send(self, metric, value, timestamp=None, tags=None, source_id=None):
        """Add a reading. Never waits: from a loop, a timer callback, a thread or a task.

        `timestamp`: s or ms since 1970, else it is now. ValueError names what the API would
        refuse; the other readings are as they were. BufferFull only with overflow="refuse".
        """
        ticks = self.ticks_ms()
        acquire, release, holder, box, known, data, size, tail, head, tmp, real, raw, line, tap = (
            self._parts  # pyright: ignore[reportGeneralTypeIssues] -- open() has been called
        )
        added = False
        # The way of nearly all readings: a number of now, of a metric that is known, without tags,
        # into a ring with room. All else, and what is wrong, takes the long way.
        if timestamp is tags is source_id is None and acquire(False):
            try:
                holder[0] = get_ident()
                number = known(metric)
                if number is not None and not box:
                    kind = _FLOAT64
                    n = _SINGLE
                    if _type(value) is _float:
                        real[0] = value
                    else:
                        kind = kind_of(value)
                        if kind != _TEXT:
                            n = abs(value)
                    if kind != _TEXT:
                        if (
                            append(data, size, tail, head, tmp, kind, number, line, ticks, raw, n)
                            > 0
                        ):
                            if not tap:
                                return
                            added = True
            except TypeError:
                pass  # a metric that is no string
            finally:
                holder[0] = 0
                release()
        if added:
            tap(metric, None, kind, value, ticks, None)
            return
        check_string("metric", metric)
        kind = kind_of(value)
        if kind == _TEXT:
            value = json_text(value)
        if timestamp is not None:
            timestamp = load("timestamp").epoch_ms(timestamp)
        self._put(metric, self._suffix_of(tags, source_id), kind, value, ticks, timestamp)

    def _suffix_of(self, tags, source_id):
        # The JSON behind the time of a reading: None if it is that of all without tags.
        if tags is None and source_id is None:
            return None
        return load("compound").suffix(tags, self.session_id, source_id)

    def _put(self, metric, suffix, kind, value, ticks, stamp):
        self.put(metric, suffix, kind, value, ticks, stamp)
        tap = self._parts[-1]
        if tap is not None:
            tap(metric, suffix, kind, value, ticks, stamp)

    def put(self, metric, suffix, kind, value, ticks, stamp):
        """Add a reading that has been checked, and tell nobody who listens.

        suffix: the JSON behind its time (bytes), None: that of all without tags. kind: that of its
        record; value: bytes if that is TEXT. Its time is `stamp` (ms) if given, else `ticks`.
        """
        lock = self.lock
        if lock.enter():
            try:
                self._empty_box()
                self._add(metric, suffix, kind, value, ticks, stamp)
            finally:
                lock.exit()
        else:
            self._leave(metric, suffix, kind, value, ticks, stamp)
        # Who has the lock may have given it back just before something was left in the box.
        while self._box and lock.enter():
            try:
                self._empty_box()
            finally:
                lock.exit()

    def _add(self, metric, suffix, kind, value, ticks, stamp):
        number = self._known.get(metric) if suffix is None else None
        if number is None:
            number = self._number(metric, suffix)
        data = self._raw
        n = _SINGLE
        if kind == _FLOAT64:
            self._real[0] = value
        elif kind == _TEXT:
            data = value
            n = len(value)
        else:
            n = abs(value)
        line = self._parts[-2]
        if stamp is not None or line is None:
            line = self._line_at(ticks, stamp)
            if stamp is not None:
                kind |= _EXPLICIT
        ring = self.ring
        while not ring.append(kind, number, line, ticks, data, n):
            self._make_room(1)

    def _line_at(self, ticks, stamp):
        # A line of time on which `ticks` are `stamp`, or what a clock without a line says.
        line = self._stamp
        line[0] = ticks
        if stamp is None:
            self.clock.split(ticks)
            line[1] = self.clock.hi
            line[2] = self.clock.lo
        else:
            line[1], line[2] = divmod(stamp, 1000000)
        return line

    def _leave(self, metric, suffix, kind, value, ticks, stamp):
        # Somebody has the lock: into the box, which he empties, or the next who comes.
        check_string("metric", metric)
        if suffix is None:
            suffix = self._suffix
        item = (metric, suffix, kind, value, ticks, stamp)
        # No branch and no loop until the release: only there can a callback interrupt, and it
        # would wait for this lock for ever. A full box lets go of its oldest.
        self._box_lock.acquire()
        self._box_dropped += len(self._box) == _BOX
        self._box.append(item)
        self._box_lock.release()

    def _empty_box(self):
        while self._box:
            self._box_lock.acquire()
            item = self._box.popleft()
            self._box_lock.release()
            try:
                self._add(*item)
            except (BufferFull, ValueError, MemoryError):
                self._dropped += 1

    def _number(self, metric, suffix):
        # The number of the text that readings of a metric share, making room for it if need be.
        ring = self.ring
        wanted = text(metric, self._suffix if suffix is None else suffix)
        sweeps = ring.sweeps
        try:
            number = ring.number(wanted)
            while number < 0:
                self._make_room(load("sweep").oldest_texts_end(ring))
                number = ring.number(wanted)
        finally:
            if ring.sweeps != sweeps:
                self._known.clear()  # texts were forgotten: their numbers serve others now
        if suffix is None:
            self._known[metric] = number
        return number

    def _make_room(self, count):
        if self._refuse:
            raise BufferFull(
                "the ring is full (%d readings wait): flush, raise ring_bytes, or use "
                'overflow="drop_oldest"' % self.ring.pending
            )
        self._dropped += count
        while count:
            self.ring.drop()
            count -= 1

    def confirm(self, body):
        """Let go of what `body` carried: how many readings that is."""
        with self.lock:
            # Those that a full ring dropped while they were on their way have arrived after all.
            self._dropped -= min(self.ring.passed(body.start), body.count)
            self.ring.commit(body.end)
        return body.count
