"""What send() fills and a flush empties: the ring, its lock, the queue of interrupted sends."""

from array import array
from collections import deque

from ..port import Lock, bytes_of, const, get_ident, load, micropython, sleep_ms, ticks_ms
from .record import check_string, json_text, kind_of, text
from .render import SINGLE
from .ring import Ring, append

_DEFERRED = const(16)
_PATIENCE_MS = const(20)
_FLOAT64 = const(10)  # kinds of record, see codec.py
_TEXT = const(13)
_EXPLICIT = const(16)
_TICKS = const(0)  # of a time map, see there
_HI = const(1)
_LO = const(2)
_SINGLE = int(SINGLE)

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
    leaves the reading in a short queue, which whoever holds the lock empties. Another thread waits.

    The way of one number is machine code, where the port has it, and looks up little by name:
    bytecode would allocate a frame for each call, which in a large heap costs more than the rest.
    """

    def __init__(self, clock, overflow, lock=None):
        self.lock = lock or OwnedLock()  # which guards the clock's time map, too
        self.clock = clock
        self.ticks_ms = getattr(clock, "ticks_ms", ticks_ms)
        self.session_id = None
        self.confirmed = 0  # readings that the server has
        self.rejected = 0  # those that it will not take,
        self.discarded = 0  # and those that it took and did not keep, because of a limit
        self.plain_suffix = b"}"  # of a reading without tags: the JSON behind its time
        self._refuse = overflow == "refuse"
        self._dropped = 0
        self._deferred_dropped = 0
        self.text_numbers = {}  # by metric, for readings without tags
        self._deferred = deque((), _DEFERRED)
        self._deferred_lock = Lock()
        self._real = array("d", (0,))
        self._raw = bytes_of(self._real)
        self._stamp = array("i", (0, 0, 0, 0, 0x4000))
        self._parts = None
        self.store = None  # see Store; it keeps readings that are not in the ring
        self.send = self.send  # found at once, and not behind all the other names
        self.ring = Ring()

    def listen(self, tap):
        """Have tap(metric, suffix, kind, value, ticks, stamp) called after each reading is added.

        Its arguments are those of put(). It is called with the lock held, raises nothing and loads
        no module. None: nobody listens any more, which costs nothing.
        """
        # One tuple, made and taken apart in this class alone: a closure's cells are 16 B each, and
        # attributes would be looked up one by one for each reading.
        ring = self.ring
        time_map = getattr(self.clock, "time_map", None)
        self._parts = (
            self.ticks_ms,
            self.lock.acquire,
            self.lock.release,
            self.lock.holder,
            self._deferred,
            {}.get if time_map is None else self.text_numbers.get,  # no time map, no short way
            ring.data,
            len(ring.data),
            ring.tail,
            ring.head,
            ring.tmp,
            self._real,
            self._raw,
            time_map,
            tap,
        )

    def discard(self):
        """Let go of the ring's bytes, and allocate nothing for that: the program is to end.

        Who goes on with it gets a TypeError: its machine code takes no None for bytes.
        """
        self._parts = self.ring.data = None  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def pending(self):
        """Readings that wait for the server's confirmation."""
        count = self.ring.pending + len(self._deferred)
        return count + self.store.pending if self.store else count

    def left(self, seq):
        """How many readings wait of those before the one that has number `seq` in the ring."""
        count = self.ring.left(seq)
        return count + self.store.left(seq) if self.store else count

    @property
    def dropped(self):
        """Readings that a full ring let go of."""
        return self._dropped + self._deferred_dropped

    @micropython.native
    def send(self, metric, value, timestamp=None, tags=None, source_id=None):
        """Add a reading. Never waits: from a loop, a timer callback, a thread or a task.

        `timestamp`: s or ms since 1970, else it is now. ValueError names what the API would
        refuse; the other readings are as they were. BufferFull only with overflow="refuse".
        """
        (
            ticks_ms,
            acquire,
            release,
            holder,
            deferred,
            known,
            data,
            size,
            tail,
            head,
            tmp,
            real,
            raw,
            time_map,
            tap,
        ) = self._parts  # pyright: ignore[reportGeneralTypeIssues] -- listen() has been called
        ticks = ticks_ms()
        # The way of nearly all readings: a number of now, of a metric that is known, without tags,
        # into a ring with room. All else, and what is wrong, takes the long way.
        if timestamp is tags is source_id is None and acquire(False):
            try:
                holder[0] = get_ident()
                number = known(metric)
                if number is not None and not deferred:
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
                            append(
                                data, size, tail, head, tmp, kind, number, time_map, ticks, raw, n
                            )
                            > 0
                        ):
                            if tap:
                                tap(metric, None, kind, value, ticks, None)
                            return
            except TypeError:
                pass  # a metric that is no string
            finally:
                holder[0] = 0
                release()
        self.accept(metric, value, timestamp, tags, source_id, ticks)

    def accept(self, metric, value, timestamp, tags, source_id, ticks, add=None):
        """Check a reading, and put() it: the way of all that is no number of now, or is new."""
        check_string("metric", metric)
        kind = kind_of(value)
        if kind == _TEXT:
            value = json_text(value)
        if timestamp is not None:
            timestamp = load(__name__, "timestamp").epoch_ms(timestamp)
        self.put(metric, self.suffix_of(tags, source_id), kind, value, ticks, timestamp, add)

    def suffix_of(self, tags, source_id):
        """The JSON behind the time of a reading (bytes); None: that of all without tags."""
        if tags is None and source_id is None:
            return None
        return load(__name__, "compound").suffix(tags, self.session_id, source_id)

    def put(self, metric, suffix, kind, value, ticks, stamp, add=None):
        """Add a reading that has been checked, and tell who listens.

        suffix: the JSON behind its time (bytes), None: that of all without tags. kind: that of its
        record; value: bytes if that is TEXT. Its time is `stamp` (ms) if given, else `ticks`.
        add(metric, suffix, kind, value, ticks, stamp): what to call in place of both, with the lock
        held.
        """
        add = add or self.add
        lock = self.lock
        if lock.enter():
            try:
                self.add_deferred()
                add(metric, suffix, kind, value, ticks, stamp)
            finally:
                lock.exit()
        else:
            self._defer(add, metric, suffix, kind, value, ticks, stamp)
        # Who has the lock may have given it back just before something was put into the queue.
        while self._deferred and lock.enter():
            try:
                self.add_deferred()
            finally:
                lock.exit()

    def add(self, metric, suffix, kind, value, ticks, stamp, silent=False):
        """put() by who holds the lock. silent: without telling who listens."""
        number = self.text_numbers.get(metric) if suffix is None else None
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
        parts = self._parts
        time_map = parts[-2]
        tap = parts[-1]
        record = kind
        if stamp is not None or time_map is None:
            # A time map by which `ticks` are `stamp`, or what a clock without one says.
            time_map = self._stamp
            time_map[_TICKS] = ticks
            if stamp is not None:
                record |= _EXPLICIT
                time_map[_HI], time_map[_LO] = divmod(stamp, 1000000)
            else:
                clock = self.clock
                clock.split(ticks)
                time_map[_HI] = clock.hi
                time_map[_LO] = clock.lo
        ring = self.ring
        while not ring.append(record, number, time_map, ticks, data, n):
            self._make_room(1)
        if tap and not silent:
            tap(metric, suffix, kind, value, ticks, stamp)

    def _defer(self, add, metric, suffix, kind, value, ticks, stamp):
        # Somebody holds the lock, and empties the queue; or the next caller does.
        check_string("metric", metric)
        if suffix is None:
            suffix = self.plain_suffix
        item = (add, metric, suffix, kind, value, ticks, stamp)
        # No branch and no loop until the release: only there can a callback interrupt, and it
        # would wait for this lock for ever. A full queue drops its oldest.
        self._deferred_lock.acquire()
        self._deferred_dropped += len(self._deferred) == _DEFERRED
        self._deferred.append(item)
        self._deferred_lock.release()

    def add_deferred(self):
        """Add what callbacks have left, for who holds the lock."""
        while self._deferred:
            self._deferred_lock.acquire()
            item = self._deferred.popleft()
            self._deferred_lock.release()
            try:
                item[0](*item[1:])
            except (BufferFull, ValueError, MemoryError):
                self._dropped += 1

    def _number(self, metric, suffix):
        # The number of the text that readings of a metric share, making room for it if need be.
        ring = self.ring
        wanted = text(metric, self.plain_suffix if suffix is None else suffix)
        sweeps = ring.sweeps
        try:
            number = ring.number(wanted)
            while number < 0:
                self._make_room(load(__name__, "sweep").oldest_texts_end(ring))
                number = ring.number(wanted)
        finally:
            if ring.sweeps != sweeps:
                self.text_numbers.clear()  # texts were forgotten: their numbers serve others now
        if suffix is None:
            self.text_numbers[metric] = number
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
            ring = body._ring  # or that of a segment
            self._dropped -= min(ring.passed(body.start), body.count)
            ring.commit(body.end)
        return body.count
