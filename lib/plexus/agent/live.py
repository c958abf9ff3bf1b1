"""The live view: which readings the open streams want, how often, and as which messages."""

from array import array

from ..port import bytes_of, const, micropython, unload
from ..readings.batch import send_at, send_batch
from ..readings.buffer import Buffer
from ..readings.render import SINGLE, render, string_text
from ..readings.ring import copy, cursor

_STREAMS = const(8)
_NAMES = const(4096)  # characters, of all streams together
_FRAME = const(2048)
_HEAD = const(512)
_POINTS = const(11)  # the end of a head: ,"points":[
_SOURCE = b',"source_id":'
_IN_FLIGHT = const(32)  # frames that wait for their acknowledgement
_SEQ = const(7)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)
_FLOAT64 = const(10)  # kinds of record, see codec.py
_TEXT = const(13)
_SHOWN = const(1)
_STORED = const(2)
_SINGLE = int(SINGLE)


class Live:
    """Shows on an open connection what streams want, in frames that a task takes and sends.

    It hears of all readings of the client `px`. Those that are not to be kept are sent to this in
    the client's place: they are shown if a stream wants them, and kept if it is one that stores.
    Those of another source are not shown: a connection is for the one that authenticated.

    What waits for the next frame is in a buffer of its own: a slow connection loses the oldest of
    that, which `dropped` counts, and nothing else. Nothing is shown until the time is known.
    `sent` counts the readings in frames.

    stores: the server keeps what this shows, so a reading goes one way only: those of the client
    go with its uploads, which then come each second, and the others are shown and not kept here.
    acks: it acknowledges frames, which have a number for that. What was in them waits here until
    then, and goes out again on the next connection. max_bytes: what it takes of a frame.
    """

    def __init__(self, px, ring_bytes=4096):
        """`ring_bytes`: a number, or a bytearray. ValueError if it is none that can be."""
        from ..options import check_ring

        check_ring(ring_bytes)
        unload("plexus", "options")
        self.streams = ()
        self.sent = 0
        self.stores = self.acks = False
        self.frames = 0  # of this connection
        self.max_bytes = _FRAME
        self._ends = []  # numbers of the records behind those frames that are not acknowledged
        self._px = px
        self.clock = px.clock
        self.ticks_ms = px.ticks_ms
        self._source_id = px.source_id
        self._buffer = px.buffer
        self._lost = 0
        self._connected = False
        source = _SOURCE + string_text(px.source_id)
        self._own = source + b"}"  # the end of a suffix that says so
        self._plain = b'{"type":"telemetry"' + source + b',"points":['
        self._head = self._plain  # of readings from number _since on, which say _session as well
        self._session = b""
        self._since = 0
        self._at = cursor()
        self._next = cursor()  # the place of the first record that was in no frame yet
        self._out = memoryview(bytearray(_FRAME))
        # Both are guarded by the client's lock.
        self._waiting = waiting = Buffer(px.clock, "drop_oldest", px.buffer.lock)
        if not isinstance(ring_bytes, bytearray):
            ring_bytes = bytearray(ring_bytes)
        waiting.ring.data = ring_bytes
        waiting.listen(None)
        # The short way of waiting.add(), for a number of a metric that it knows.
        real = array("d", (0,))
        self._short = (
            waiting.text_numbers.get,
            waiting.ring.append,
            px.clock.time_map,
            real,
            bytes_of(real),
        )

    @property
    def pending(self):
        """Readings that wait for a frame, or for the frame's acknowledgement."""
        return self._waiting.pending

    @property
    def dropped(self):
        """Readings that were not shown: a slow connection lost them, or they are too large."""
        return self._lost + self._waiting.dropped

    def send(self, metric, value, timestamp=None, tags=None, source_id=None):
        """As a client's, for a reading that nobody keeps unless a stream stores it."""
        self._buffer.accept(
            metric, value, timestamp, tags, source_id, self.ticks_ms(), self._on_demand
        )

    def send_at(self, ticks, metric, value, tags=None, source_id=None):
        send_at(self._buffer, ticks, metric, value, tags, source_id, self._on_demand)

    def send_batch(self, points, timestamp=None, tags=None, source_id=None):
        send_batch(self._buffer, points, timestamp, tags, source_id, self._on_demand)

    @property
    def connected(self):
        """Set by who has the connection: while it is False nothing waits for a frame."""
        return self._connected

    @connected.setter
    def connected(self, connected):
        self._connected = connected
        if connected:
            # What was not acknowledged is as if it had not been sent.
            with self._buffer.lock:
                ring = self._waiting.ring
                self.sent -= ring.left(self._next[_SEQ])
                copy(self._next, ring.tail)
            self._ends.clear()
            self.frames = 0
        self._listen()

    @property
    def period_ms(self):
        """How long to sleep between frames (20 to 250 ms): what the fastest stream asks for."""
        return min(max(min([250] + [s.interval_ms for s in self.streams]), 20), 250)

    def start(self, stream, instead=None):
        """Add a stream, in place of the one with its id, and of the one with the id `instead`.

        A metric's name may begin with the client's source and a colon. ValueError: there are 8
        streams already, or one of a session if it is such a one; or all of them together name
        metrics with more than 4096 characters.
        """
        others = tuple(s for s in self.streams if s.id not in (stream.id, instead))
        alike = len([s for s in others if s.session == stream.session])
        if stream.session:
            if alike:
                raise ValueError("session_id: a session has its stream already; stop that first")
        elif alike == _STREAMS:
            raise ValueError("id: %d streams are on already; stop one of them" % _STREAMS)
        prefix = self._source_id + ":"
        stream.metrics = {m[len(prefix) :] if m.startswith(prefix) else m for m in stream.metrics}
        if sum([len(m) for s in others + (stream,) for m in s.metrics]) > _NAMES:
            raise ValueError(
                "metrics: with those of other streams over %d characters; name fewer, or [] for all"
                % _NAMES
            )
        self.streams = others + (stream,)
        self._listen()

    def stop(self, id=None):
        """End the stream of this id; "*" or None: all that are no session's. How many that was."""
        with self._buffer.lock:
            # They were sent for these streams, and some are to be kept.
            self._buffer.add_deferred()
            before = self.streams
            if id is None or id == "*":
                self.streams = tuple(s for s in before if s.session)
            else:
                self.streams = tuple(s for s in before if s.id != id)
            count = len(before) - len(self.streams)
        self._listen()
        return count

    def end_streams(self):
        """The connection is gone: end all streams but sessions', and show no more of what waits."""
        self.connected = False
        self.stop()
        with self._buffer.lock:
            ring = self._waiting.ring
            if self.acks:
                return
            if self.stores:
                self._lost += ring.pending
            ring.commit(ring.head)

    @property
    def oldest(self):
        """The number of the oldest frame that is not acknowledged; 0: there is none."""
        return self.frames - len(self._ends) + 1 if self._ends else 0

    def release(self, number, stored=True):
        """The server has done with frames up to this number; without `stored`, it kept none."""
        count = min(number - self.oldest + 1, len(self._ends))
        if count <= 0 or not self._ends:
            return
        with self._buffer.lock:
            ring = self._waiting.ring
            left = ring.left(self._ends[count - 1])
            for _ in range(left):
                ring.drop()
        del self._ends[:count]
        if not stored:
            self._lost += left
            self.sent -= left

    def frame(self):
        """The next telemetry message: UTF-8 JSON of up to 2048 B, or max_bytes, or None if nothing
        waits.

        It is a view of memory that the next call writes to. A reading that is too large for it is
        dropped.
        """
        lock = self._buffer.lock
        if not lock.enter():
            return None
        out = self._out
        at = self._at
        ring = self._waiting.ring
        try:
            self._buffer.add_deferred()
            place = self._next
            if ring.passed(place[_SEQ]):
                copy(place, ring.tail)  # a full ring has dropped it
            while True:
                first = place[_SEQ]
                count = (ring.next - first) & _WRAP
                if not count or len(self._ends) == _IN_FLIGHT:
                    return None
                # Readings from before the session began go first, in a frame without its id.
                head = self._plain
                before = (self._since - first) & _WRAP
                if 0 < before <= _WRAP // 2:
                    count = before
                else:
                    if not ring.left(self._since):
                        self._since = ring.tail[_SEQ]
                    head = self._head
                if self.acks:
                    number = self.frames + 1
                    head = b'%s,"seq":%d%s' % (head[:-_POINTS], number, head[-_POINTS:])
                start = len(head)
                copy(at, place)
                # Each reading begins with its comma; the first one's lies on the head's end.
                limit = min(self.max_bytes, _FRAME) - 2
                end = render(ring, at, out, _SINGLE, count, start - 1, _FRAME, limit)
                count = (at[_SEQ] - first) & _WRAP
                if count:
                    break
                ring.walk(place, ring.tmp, 0, 1, 0, 0, _ALL, b"0")
                self._lost += 1
            copy(place, at)
            if self.acks:
                self._ends.append(at[_SEQ])
            else:
                ring.commit(at)
        finally:
            lock.exit()
        self.frames += 1
        self.sent += count
        out[:start] = head
        out[end : end + 2] = b"]}"
        return out[: end + 2]

    def _listen(self):
        watched = bool(self._connected and self.streams)
        self._px.watched = watched and self.stores
        self._buffer.listen(self._kept if watched and not self.stores else None)

    # What follows is called with the lock held.

    @micropython.native
    def _kept(self, metric, suffix, kind, value, ticks, stamp):
        # The client has this reading.
        plain = self._buffer.plain_suffix
        if suffix == plain:
            suffix = None
        if suffix is not None and self._foreign(suffix):
            return
        if not self._wanted(metric, suffix, ticks):
            return
        waiting = self._waiting
        if suffix is stamp is None and kind != _TEXT and waiting.plain_suffix is plain:
            known, append, time_map, real, raw = self._short
            number = known(metric)
            if number is not None:
                n = _SINGLE
                if kind == _FLOAT64:
                    real[0] = value
                else:
                    n = abs(value)
                while not append(kind, number, time_map, ticks, raw, n):
                    waiting.ring.drop()
                    self._lost += 1
                return
        self._show(metric, suffix, kind, value, ticks, stamp)

    def _on_demand(self, metric, suffix, kind, value, ticks, stamp):
        # This reading is nowhere else.
        if suffix == self._buffer.plain_suffix:
            suffix = None
        wanted = self._wanted(metric, suffix, ticks)
        shown = wanted and self._connected and self.clock.known
        if suffix is not None and self._foreign(suffix):
            # Who stores what it is shown shows what it stores: over HTTP it has the right source.
            if shown and self.stores:
                wanted = _STORED
            shown = False
        if shown:
            self._show(metric, suffix, kind, value, ticks, stamp)
        if wanted & _STORED and not (shown and self.stores):
            self._buffer.add(metric, suffix, kind, value, ticks, stamp, True)

    def _foreign(self, suffix):
        # Whether it ends by naming another source; a tag of that name ends in two braces, or has
        # more behind it.
        at = suffix.rfind(_SOURCE)
        end = suffix[at:]
        return at >= 0 and end.find(b'"', len(_SOURCE) + 1) == len(end) - 2 and end != self._own

    @micropython.native
    def _wanted(self, metric, suffix, ticks):
        # 0: no stream wants it.
        wanted = 0
        for stream in self.streams:
            if stream.take(metric, suffix, ticks):
                wanted |= _STORED | _SHOWN if stream.store else _SHOWN
        return wanted

    def _show(self, metric, suffix, kind, value, ticks, stamp):
        if not self.clock.known:
            return
        waiting = self._waiting
        try:
            if isinstance(value, bytes) and len(value) > _FRAME:
                raise ValueError("it would only take the others' place")
            if waiting.plain_suffix is not self._buffer.plain_suffix:
                self._begin_session()
            waiting.add(metric, suffix, kind, value, ticks, stamp)
        except (ValueError, MemoryError):
            self._lost += 1
            return
        if suffix is not None and self._session not in suffix:
            self._since = waiting.ring.next  # it is from before, though it comes only now

    def _begin_session(self):
        # The client has a session, or has none any more: so do the frames from here on.
        buffer = self._buffer
        waiting = self._waiting
        waiting.text_numbers.clear()
        self._head = self._plain
        self._session = b""
        if buffer.session_id is not None:
            session = b',"session_id":' + string_text(buffer.session_id)
            if len(session) < _HEAD:
                self._session = session
                self._head = self._plain[:-_POINTS] + session + self._plain[-_POINTS:]
        self._since = waiting.ring.next
        waiting.plain_suffix = buffer.plain_suffix
