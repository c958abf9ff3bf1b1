"""The live view: which readings the open streams want, how often, and as which messages."""

from ..port import const, get_ident, load_once, micropython, unload
from ..readings.buffer import Buffer
from ..readings.render import SINGLE, render, string_text
from ..readings.ring import append, copy, cursor

_STREAMS = const(8)
_NAMES = const(4096)  # characters, of all streams together
_FRAME = const(2048)
_HEAD = const(512)
_SEQ = const(7)
_FLOAT64 = const(10)  # kinds of record, see codec.py
_TEXT = const(13)
_OLDEST_MS = const(1000000000000)  # the API takes smaller times for seconds
# Beside the kind of record: a reading that is nowhere else.
_KIND = const(31)
_UNKEPT = const(32)
_SHOWN = const(1)
_STORED = const(2)
_SINGLE = int(SINGLE)


class Live(Buffer):
    """Shows on an open connection what streams want, in frames that a task takes and sends.

    It sees the readings of the client `px`. Those that are not to be kept are sent to this in the
    client's place: they are shown if a stream wants them, and kept if it is one that stores.

    What waits for the next frame is in a ring of its own: a slow connection loses the oldest of
    that, which `dropped` counts, and nothing else. Nothing is shown until the time is known.
    `sent` counts the readings in frames.
    """

    def __init__(self, px, ring_bytes=4096):
        """`ring_bytes`: a number, or a bytearray. ValueError if it is none that can be."""
        from ..options import check_ring

        check_ring(ring_bytes)
        unload("plexus", "options")
        super().__init__(px.clock, "drop_oldest", px.lock)
        self.streams = ()
        self.sent = 0
        self._px = px
        self._suffix_of = px._suffix_of  # sessions are the client's
        self._connected = False
        source = b'{"type":"telemetry","source_id":' + string_text(px.source_id)
        self._plain = source + b',"points":['
        self._head = self._plain  # of readings from number _since on, which say _session as well
        self._session = b""
        self._since = 0
        self._at = cursor()
        self._out = memoryview(bytearray(_FRAME))
        self.open(ring_bytes)
        parts = self._parts
        self._quick = parts[:-1]
        self._parts = parts[:4] + ({}.get,) + parts[5:]  # send() asks the streams: no short way

    def __getattr__(self, name):
        return load_once("plexus", "extras").find(self, name)

    @property
    def connected(self):
        """Set by who has the connection: while it is False nothing waits for a frame."""
        return self._connected

    @connected.setter
    def connected(self, connected):
        self._connected = connected
        self._listen()

    @property
    def period_ms(self):
        """How long to sleep between frames (20 to 250 ms): what the fastest stream asks for."""
        return min(max(min([250] + [s.interval_ms for s in self.streams]), 20), 250)

    def start(self, stream):
        """Add a stream, in place of the one with its id.

        A metric's name may begin with the client's source and a colon. ValueError: there are 8
        streams already, or one of a session if it is such a one; or all of them together name
        metrics with more than 4096 characters.
        """
        others = tuple(s for s in self.streams if s.id != stream.id)
        alike = len([s for s in others if s.session == stream.session])
        if stream.session:
            if alike:
                raise ValueError("session_id: a session has its stream already; stop that first")
        elif alike == _STREAMS:
            raise ValueError("id: %d streams are on already; stop one of them" % _STREAMS)
        prefix = self._px.source_id + ":"
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
        with self.lock:
            self._take_deferred()  # they were sent for these streams, and some are to be kept
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
        with self.lock:
            self.ring.commit(self.ring.head)

    def frame(self):
        """The next telemetry message: UTF-8 JSON of up to 2048 B, or None if nothing waits.

        It is a view of memory that the next call writes to. A reading that is too large for it is
        dropped.
        """
        lock = self.lock
        if not lock.enter():
            return None
        out = self._out
        at = self._at
        ring = self.ring
        try:
            self._take_deferred()
            while True:
                count = ring.pending
                if not count:
                    return None
                # Readings from before the session began go first, in a frame without its id.
                head = self._plain
                before = ring.left(self._since)
                if before:
                    count = before
                else:
                    self._since = ring.tail[_SEQ]
                    head = self._head
                start = len(head)
                copy(at, ring.tail)
                # Each reading begins with its comma; the first one's lies on the head's end.
                end = render(ring, at, out, _SINGLE, count, start - 1, _FRAME, _FRAME - 2)
                count = ring.left(at[_SEQ])
                if count:
                    break
                ring.drop()
                self._dropped += 1
            ring.commit(at)
        finally:
            lock.exit()
        self.sent += count
        out[:start] = head
        out[end : end + 2] = b"]}"
        return out[: end + 2]

    def _listen(self):
        self._px.listen(self._kept if self._connected and self.streams else None)

    @micropython.native
    def _kept(self, metric, suffix, kind, value, ticks, stamp):
        # The client has this reading: send() is done, whatever comes of showing it.
        (
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
        ) = self._quick
        try:
            # Again a short way, for a number of a metric that is known.
            if suffix is stamp is None and kind != _TEXT and acquire(False):
                try:
                    holder[0] = get_ident()
                    number = known(metric)
                    if number is not None and not deferred and self._suffix is self._px._suffix:
                        if not self._wanted(metric, None, ticks):
                            return
                        n = _SINGLE
                        if kind == _FLOAT64:
                            real[0] = value
                        else:
                            n = abs(value)
                        while (
                            append(
                                data, size, tail, head, tmp, kind, number, time_map, ticks, raw, n
                            )
                            <= 0
                        ):
                            self._make_room(1)
                        return
                finally:
                    holder[0] = 0
                    release()
            self.put(metric, suffix, kind, value, ticks, stamp)
        except MemoryError:
            self._dropped += 1

    def _put(self, metric, suffix, kind, value, ticks, stamp):
        # From send() and its kin.
        if self.streams:
            self.put(metric, suffix, kind | _UNKEPT, value, ticks, stamp)

    def _defer(self, metric, suffix, kind, value, ticks, stamp):
        if suffix is None:
            suffix = self._px._suffix
        Buffer._defer(self, metric, suffix, kind, value, ticks, stamp)

    def _add(self, metric, suffix, kind, value, ticks, stamp):
        # Under the lock, which is also the client's.
        px = self._px
        if suffix == px._suffix:
            suffix = None
        wanted = self._wanted(metric, suffix, ticks)
        if wanted and self._connected and self.clock.known:
            try:
                self._show(metric, suffix, kind, value, ticks, stamp)
            except (ValueError, MemoryError):
                self._dropped += 1
        if wanted & _STORED and kind & _UNKEPT:
            px._add(metric, suffix, kind & _KIND, value, ticks, stamp)

    @micropython.native
    def _wanted(self, metric, suffix, ticks):
        # 0: no stream wants it.
        wanted = 0
        for stream in self.streams:
            if stream.take(metric, suffix, ticks):
                wanted |= _STORED | _SHOWN if stream.store else _SHOWN
        return wanted

    def _show(self, metric, suffix, kind, value, ticks, stamp):
        px = self._px
        if stamp is not None and stamp < _OLDEST_MS:
            raise ValueError("it is history")
        if isinstance(value, bytes) and len(value) > _FRAME:
            raise ValueError("it would only take the others' place")
        if self._suffix is not px._suffix:
            self._known.clear()
            self._head = self._plain
            self._session = b""
            if px.session_id is not None:
                session = b',"session_id":' + string_text(px.session_id)
                if len(session) < _HEAD:
                    self._session = session
                    self._head = self._plain[:-11] + session + self._plain[-11:]
            self._since = self.ring.next
            self._suffix = px._suffix
        Buffer._add(self, metric, suffix, kind & _KIND, value, ticks, stamp)
        if suffix is not None and self._session not in suffix:
            self._since = self.ring.next  # it is from before, though it comes only now
