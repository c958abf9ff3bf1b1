"""Plexus: takes readings and brings them to the server when it is time. Only it knows the order."""

# What setup.py gives it, and what Buffer.__getattr__ loads, is not seen here: client.pyi has it.
# pyright: reportAttributeAccessIssue=false

from . import borrow, forget
from ._port import Lock, const, ticks_diff
from .buffer import Buffer, BufferFull

_DATE_ERROR_MS = const(500)  # an HTTP Date has whole seconds


class PlexusError(Exception):
    """What flush() could not do, in words; `status` is the server's, 0 if it gave no answer."""

    def __init__(self, words, status=0):
        super().__init__(words)
        self.status = status


class Plexus(Buffer):
    """Brings readings to Plexus: send() at any time from anywhere, tick() in the main loop.

    Readings wait in `ring_bytes` of RAM until the server has confirmed them. A flush is due
    `flush_interval_ms` after the one before and when the ring is `flush_fill_percent` full. It
    sends up to `batch_points` readings a request; a request takes at most `timeout_ms`.
    """

    def __init__(self, api_key, source_id, **options):
        """The options, their defaults and what they mean: setup.py. ValueError names what is
        wrong."""
        self._busy = Lock()
        self.calls = None
        borrow("setup").make(self, api_key, source_id, options)
        forget("setup")

    def __repr__(self):
        return "<Plexus %s at %s: %s>" % (self.source_id, self.http.host, self.status)

    def tick(self):
        """Do what is due: set the clock, sessions, flush. Returns how many readings it confirmed.

        Call it often. It makes few requests at a time, and raises nothing for network trouble:
        see `status`.
        """
        if not self._begin():
            return 0
        try:
            now = self.ticks_ms()
            if self.clock.due():
                self._set_clock()
            if not self.may_send:
                return 0
            if self._report_ms and ticks_diff(now, self._reported_at) >= self._report_ms:
                self._reported_at = now
                try:
                    for name in ("pending", "dropped", "rejected", "confirmed"):
                        self.send("plexus." + name, getattr(self, name))
                except BufferFull:
                    pass  # the counters can wait, what fills the ring cannot
            if self.calls:
                self.calls.send(self.http, self.ring, self.ticks_ms)
            ring = self.ring
            if self.delivery.retry.wait_ms(now):
                return 0
            if not ring.left(self._goal):
                since = ticks_diff(now, self._flushed_at)
                if since < self._interval_ms and ring.used < self._fill_bytes:
                    return 0
                self._flushed_at = now
                self._goal = ring.next
            return self.delivery.step(self.clock.known)
        finally:
            self._finish()

    def flush(self):
        """Send all that is pending, now. Returns how many readings were confirmed.

        PlexusError says what stands in the way: the readings stay, tick() or flush() tries again.
        """
        if not self._begin():
            raise PlexusError("a flush is under way already")
        try:
            delivery = self.delivery
            self._flushed_at = self.ticks_ms()
            goal = self._goal = self.ring.next
            if not self.clock.known:
                self._set_clock()
            before = self.confirmed
            fine = self.may_send
            if fine and self.calls:
                self.calls.send(self.http, self.ring, self.ticks_ms)
            while fine and self.ring.left(goal):
                delivery.step(self.clock.known)
                fine = not delivery.problem
            if not fine:
                raise PlexusError(*borrow("words").flush_problem(self))
            if self.calls:
                self.calls.send(self.http, self.ring, self.ticks_ms)
            return self.confirmed - before
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
        try:
            taken = self.lock.enter()
            if taken:
                self._empty_box()
                ready = True
        finally:
            if taken:
                self.lock.exit()
            if not ready:
                self._busy.release()
        return ready

    def _finish(self):
        try:
            more = self.ring.left(self._goal) and not self.delivery.problem
            if not (self._keep_alive or more):
                self.http.stream.shut()
        finally:
            self._busy.release()

    def _set_clock(self):
        clock = self.clock
        try:
            clock.sync()
            self.http.answers += 1
            self.clock_problem = ""
        except (OSError, MemoryError) as exc:
            self.clock_problem = str(exc) or "out of memory"
            if not clock.known or clock.error_ms > 2 * _DATE_ERROR_MS:
                # NTP is blocked: the server's Date, which is enough to verify certificates and
                # far better than nothing, or than a clock that has drifted for a day.
                try:
                    self.clock_problem += borrow("http_date").set_clock(clock, self.http)
                except MemoryError:
                    pass

    def _date(self, hi, lo):
        # Called by the clock, with the buffer's lock held, when it knows the time at last.
        self.ring.date(hi, lo)
        self.body.date(hi, lo)
        if self.calls is not None:
            self.calls.date(hi, lo)
