"""Plexus: takes readings and brings them to the server when it is time. Only it knows the order."""

# What assemble.py gives it, and what __getattr__ loads, is not seen here: client.pyi has it.
# pyright: reportAttributeAccessIssue=false

from .port import COMPILED, Lock, const, load_once, ticks_diff, unload

_WATCHED_MS = const(1000)

# What a client has of its buffer's.
_OF_BUFFER = ("pending", "confirmed", "dropped", "rejected", "discarded", "session_id")


class PlexusError(Exception):
    """What flush() could not do, in words; `status` is the server's, 0 if it gave no answer."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class Plexus:
    """Brings readings to Plexus: send() at any time from anywhere, tick() in the main loop.

    Readings wait in `ring_bytes` of RAM until the server has confirmed them. A flush is due
    `flush_interval_ms` after the one before and when the ring is `flush_fill_percent` full. It
    sends up to `batch_points` readings a request; a request takes at most `timeout_ms`.

    `buffer` is where readings wait, and `send` its method. While `watched` is True, because
    somebody looks at what comes, a flush is due each second, and the connection stays.
    """

    def __init__(self, api_key, source_id, **options):
        """The options, their defaults and what they mean: assemble.py. ValueError names what is
        wrong."""
        self._busy = Lock()
        self.watched = False
        self.session_requests = None
        load_once(__name__, "assemble").make(self, api_key, source_id, options)
        unload(__name__, "assemble")
        if COMPILED:
            unload(__name__, "tls")

    def __getattr__(self, name):
        if name in _OF_BUFFER:
            return getattr(self.buffer, name)
        return load_once(__name__, "extras").find(self, name)

    def __repr__(self):
        return "<Plexus %s at %s: %s>" % (self.source_id, self.http.host, self.status)

    def tick(self, up=True):
        """Set the clock, send sessions, upload, when due. Returns how many readings it confirmed.

        Call it often. It makes few requests at a time, and raises nothing for network trouble:
        see `status`. up: whether there is a network; without one it does what needs none.
        """
        if not self._begin():
            return 0
        try:
            now = self.ticks_ms()
            if self.store:
                self.store.tick(not up or self.delivery.problem or not self.may_send)
            if not up:
                return 0
            if self.clock.due():
                self._set_clock()
            if not self.may_send:
                return 0
            if self._report_ms and ticks_diff(now, self._reported_at) >= self._report_ms:
                self._reported_at = now
                load_once(__name__, "extras").report(self)
            ring = self.buffer.ring
            if self.session_requests:
                self.session_requests.send(self.http, self.buffer)
            if self.delivery.retry.wait_ms(now):
                return 0
            if not self.buffer.left(self._goal):
                since = ticks_diff(now, self._flushed_at)
                interval_ms = self._interval_ms
                if self.watched and interval_ms > _WATCHED_MS:
                    interval_ms = _WATCHED_MS
                if since < interval_ms and ring.used < self._fill_bytes:
                    return 0
                self._flushed_at = now
                self._goal = ring.next
            return self.step(self.clock.known)
        finally:
            self._finish()

    def flush(self, feed=None):
        """Send all that is pending, now. Returns how many readings were confirmed.

        PlexusError says what stands in the way: the readings stay, tick() or flush() tries again.
        feed(): called after each request, as for a watchdog; what it raises ends the flush.
        """
        if not self._begin():
            raise PlexusError("a flush is under way already")
        try:
            delivery = self.delivery
            buffer = self.buffer
            ring = buffer.ring
            self._flushed_at = self.ticks_ms()
            goal = self._goal = ring.next
            if self.store:
                self.store.tick(delivery.problem or not self.may_send)
            if not self.clock.known:
                self._set_clock()
            before = buffer.confirmed
            fine = self.may_send
            if fine and self.session_requests:
                self.session_requests.send(self.http, self.buffer)
            while fine and buffer.left(goal):
                self.step(self.clock.known)
                fine = not delivery.problem
                if feed:
                    feed()
            if not fine:
                raise PlexusError(*load_once(__name__, "explain").flush_problem(self))
            if self.session_requests:
                self.session_requests.send(self.http, self.buffer)
            return buffer.confirmed - before
        finally:
            self._finish()

    @property
    def may_send(self):
        """False while readings wait for the time to be known."""
        return self.clock.known or not self._require_clock

    def _begin(self):
        # Not while another flush is under way, and not in a callback on top of a send().
        if not self._busy.acquire(False):
            return False
        ready = taken = False
        buffer = self.buffer
        try:
            taken = buffer.lock.enter()
            if taken:
                buffer.add_deferred()
                ready = True
        finally:
            if taken:
                buffer.lock.exit()
            if not ready:
                self._busy.release()
        return ready

    def _finish(self):
        try:
            more = self.buffer.left(self._goal) and not self.delivery.problem
            if not (self._keep_alive or self.watched or more):
                self.http.connection.shut()
        finally:
            self._busy.release()

    def _set_clock(self):
        try:
            load_once(__name__, "extras").set_clock(self)
        except MemoryError:
            self.clock_problem = "out of memory"

    def _date(self, hi, lo):
        # Called by the clock, with the buffer's lock held, when it knows the time at last.
        self.buffer.ring.date(hi, lo)
        self.delivery.body.date(hi, lo)
        if self.session_requests is not None:
            self.session_requests.date(hi, lo)
