"""Plexus: takes readings and brings them to the server when it is time. Only it knows the order."""

import os

from . import __version__, forget
from ._port import Lock, const, micropython, ticks_diff, ticks_ms
from .buffer import Buffer, BufferFull
from .clock import HOSTS, Clock
from .delivery import Delivery
from .http import Http
from .record import check_source
from .render import Body, string_text
from .retry import Retry
from .tls import unverified_context, verifying_context
from .wire import http_date

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

    def __init__(
        self,
        api_key,
        source_id,
        *,
        endpoint="https://app.plexus.company/api/ingest",
        ring_bytes=16384,
        flush_interval_ms=10000,
        flush_fill_percent=75,
        batch_points=1000,
        timeout_ms=10000,
        verify=True,
        ca=None,
        ntp_hosts=HOSTS,
        ntp_port=123,
        overflow="drop_oldest",
        require_clock=True,
        keep_alive=False,
        report_interval_ms=0,
        clock=None,
        requests=None,
        random=os.urandom,
    ):
        """
        `endpoint`: the whole URL. `ring_bytes`: a number, or a bytearray of yours that was made
        before the heap was in pieces. `ca`: DER or PEM in place of the shipped roots.
        `verify=False` trusts any server. `overflow`: "drop_oldest", or "refuse" to raise
        BufferFull in send(). `require_clock=False` sends readings undated while the time is
        unknown. `keep_alive` holds the connection between flushes. `report_interval_ms`: send
        the counters as plexus.* metrics so often. `clock`, `requests`, `random`: used in place of
        Clock(ntp_hosts, ntp_port), the firmware's module, os.urandom; a clock serves one client.
        ValueError names what is wrong.
        """
        from .options import check_key, check_ntp, check_overflow, check_range, check_ring

        check_key(api_key)
        check_source(source_id)
        check_ring(ring_bytes)
        check_range("flush_interval_ms", flush_interval_ms, 0, 86400000)
        check_range("flush_fill_percent", flush_fill_percent, 1, 100)
        check_range("batch_points", batch_points, 1, 10000)
        check_range("timeout_ms", timeout_ms, 1, 600000)
        check_range("report_interval_ms", report_interval_ms, 0, 86400000)
        check_overflow(overflow)
        check_ntp(ntp_hosts, ntp_port)
        forget("options")  # was needed once
        context = None
        if str(endpoint)[:6] == "https:":
            context = verifying_context(ca) if verify else unverified_context()
        self._http = Http(endpoint, api_key, context, timeout_ms, requests)
        self._context = context
        forget("origin")  # it makes room for the ring
        self.source_id = source_id
        self.calls = None
        self._delivery = self._body = None
        self._random = random
        self._verified = verify or context is None
        self._require_clock = require_clock
        self._keep_alive = keep_alive
        self._interval_ms = flush_interval_ms
        self._report_ms = report_interval_ms
        self._flushed_at = self._reported_at = 0
        self._goal = 0  # a flush is under way until the readings before this number are gone
        self._busy = Lock()
        self._times = 0  # that NTP told
        self._clock_problem = ""
        head = b'{"source_id":%s,"sdk":"micropython/%s","points":['
        head = head % (string_text(source_id), __version__.encode())
        self._fill_bytes = 0
        super().__init__(clock or Clock(ntp_hosts, ntp_port), overflow)
        self.clock.lock = self.lock
        self.clock.on_shift = self._date
        self._body = Body(self.ring, self.lock, head)
        self._delivery = Delivery(self._http, self, self._body, Retry(random), batch_points)
        self._flushed_at = self._reported_at = self.ticks_ms()
        self.open(ring_bytes)
        self._fill_bytes = len(self.ring.data) * flush_fill_percent // 100

    def __repr__(self):
        return "<Plexus %s at %s: %s>" % (self.source_id, self._http.host, self.status)

    def credentials(self):
        """(key, SSLContext or None) for another connection to the server; never to be shown."""
        return self._http.key, self._context

    def session(self, session_id, name=None):
        """A recording session, for `with`: every reading sent in it carries its id."""
        from .session import Calls, Session

        if self.calls is None:
            self.calls = Calls(Retry(self._random))
        return Session(self, session_id, name)

    @micropython.native
    def tick(self):
        """Do what is due: set the clock, sessions, flush. Returns how many readings it confirmed.

        Call it often. It makes few requests at a time, and raises nothing for network trouble:
        see `status`.
        """
        if not self._begin():
            return 0
        try:
            now = self.ticks_ms()
            self._set_clock()
            if not self.may_send:
                return 0
            if self._report_ms and ticks_diff(now, self._reported_at) >= self._report_ms:
                self._reported_at = now
                self._report()
            if self.calls:
                self._call()
            ring = self.ring
            if self._delivery.retry.wait_ms(now):
                return 0
            if not ring.left(self._goal):
                since = ticks_diff(now, self._flushed_at)
                if since < self._interval_ms and ring.used < self._fill_bytes:
                    return 0
                self._flushed_at = now
                self._goal = ring.next
            return self._delivery.step(self.clock.known)
        finally:
            self._finish()

    @micropython.native
    def flush(self):
        """Send all that is pending, now. Returns how many readings were confirmed.

        PlexusError says what stands in the way: the readings stay, tick() or flush() tries again.
        """
        if not self._begin():
            raise PlexusError("a flush is under way already")
        try:
            now = self.ticks_ms()
            self._flushed_at = now
            goal = self._goal = self.ring.next
            if not self.clock.known:
                self._set_clock(True)
            if not self.may_send:
                raise PlexusError("the time is not known: " + self._clock_problem)
            before = self._delivery.confirmed
            if self.calls:
                self._call()
            while self.ring.left(goal):
                self._delivery.step(self.clock.known)
                if self._delivery.problem:
                    from .words import problem

                    raise PlexusError(
                        problem(self._delivery.problem, self._http.host), self._delivery.status
                    )
            if self.calls:
                self._call()
            return self._delivery.confirmed - before
        finally:
            self._finish()

    def hasten(self):
        """The network is back: end the wait that follows a request which nothing answered."""
        delivery = self._delivery
        if delivery.problem and not delivery.status:
            delivery.retry.succeeded()

    @property
    def confirmed(self):
        """Readings that the server has confirmed."""
        return self._delivery.confirmed

    @property
    def rejected(self):
        """Readings that the server refused for good, one by one."""
        return self._delivery.rejected

    @property
    def answers(self):
        """How often something on the network replied: HTTP of any status, a refusal, or NTP."""
        return self._http.answers + self._times

    @property
    def unanswered(self):
        """How many requests nothing on the network replied to. Blocked NTP does not count."""
        return self._http.unanswered

    @property
    def status(self):
        """What is going on, for a person (str)."""
        from .words import status

        delivery = self._delivery
        wait_ms = delivery.retry.wait_ms(self.ticks_ms())
        return status(self, delivery, wait_ms, self._clock_problem, self._verified, self._http.host)

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
            more = self.ring.left(self._goal) and not self._delivery.problem
            if not (self._keep_alive or more):
                self._http.wire.shut()
        finally:
            self._busy.release()

    def _call(self):
        self.calls.send(self._http, self.ring, self.ticks_ms)

    def _report(self):
        try:
            for name in ("pending", "dropped", "rejected", "confirmed"):
                self.send("plexus." + name, getattr(self, name))
        except BufferFull:
            pass  # the counters can wait, what fills the ring cannot

    def _set_clock(self, now=False):
        clock = self.clock
        if not (now or clock.due()):
            return
        try:
            clock.sync()
            self._times += 1
            self._clock_problem = ""
        except (OSError, MemoryError) as exc:
            self._clock_problem = str(exc) or "out of memory"
            if not clock.known or clock.error_ms > 2 * _DATE_ERROR_MS:
                self._take_date()

    def _take_date(self):
        # NTP is blocked: the server's Date, from a request that carries no key. It is good to
        # half a second, which is enough to verify certificates and far better than nothing, or
        # than a clock that has drifted for a day.
        wire = self._http.wire
        try:
            self._http.date()
        except (OSError, MemoryError):
            self._clock_problem += "; could not %s %s" % (wire.step, self._http.host)
        seconds = http_date(wire.date or b"")
        if seconds is not None:
            # The clock may have ticks of its own.
            age_ms = ticks_diff(ticks_ms(), wire.date_ticks)
            self.clock.observe(
                seconds * 1000 + _DATE_ERROR_MS + age_ms,
                self.ticks_ms(),
                wire.took_ms // 2 + _DATE_ERROR_MS,
                "http",
            )

    def _date(self, hi, lo):
        # Called by the clock, with the buffer's lock held, when it knows the time at last.
        self.ring.date(hi, lo)
        self._body.date(hi, lo)
        if self.calls is not None:
            self.calls.date(hi, lo)
