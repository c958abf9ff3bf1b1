"""Turns monotonic ms ticks into Unix time: anchor, drift and when to ask NTP. Integers only.

The clock is a line: `base` holds one point of it (ticks, epoch as hi * 10^6 + lo ms, a fraction
of a ms in 2^-24) and its slope beyond 1 ms a tick (rate, in 2^-24 ms a ms, about 0.06 ppm).
It is one tuple, replaced in one assignment, so that an interrupt or another thread
finds either the old line or the new one.

Which time to believe, and the drift: timekeeping.py.
"""

from array import array

from ..port import Lock, const, load_once, ticks_ms

_MASK = const(0x3FFFFFFF)  # ticks count modulo 2^30 (or a multiple of it)
_HALF = const(0x20000000)
_REANCHOR_MS = const(0x1000000)  # 4.7 hours: ticks are ambiguous from 6.2 days on
_UNCORRECTED_PPM = const(50)  # how fast the error bound grows before the drift is known
_OLDEST_MS = const(1577836800000)  # 2020
_RETRY_MS = const(4000)
_TICKS = const(0)  # of a time map, see readings/codec.py
_RATE = const(4)

HOSTS = ("time.cloudflare.com", "time.google.com", "pool.ntp.org")


class Clock:
    """Wall-clock time from ticks, set by NTP, an HTTP Date header or the server.

    `hosts` are names or addresses of NTP servers (none: never ask), `timeout_ms` is for one host,
    `samples` the most asked of one host in a sync, `interval_ms` the time between syncs. `ticks`
    is a callable like time.ticks_ms, whose values wrap at 2^30 or a multiple. `set_rtc` also sets
    machine.RTC, where there is one.

    `known` tells whether the time is known, `source` ("ntp", "http", "websocket", ... or None) from
    whom. When it becomes known, `on_shift(hi, lo)` is called with what is to be added to all times
    that split() gave before; `lock` is held meanwhile and may be replaced by the one that guards
    those.
    """

    def __init__(
        self,
        hosts=HOSTS,
        port=123,
        *,
        timeout_ms=1000,
        samples=4,
        interval_ms=1800000,
        ticks=None,
        set_rtc=True,
    ):
        if not 15000 <= interval_ms <= 500000000:
            # RFC 4330 section 10 forbids polling faster; slower, the ticks become ambiguous.
            raise ValueError("interval_ms is %s: give 15000 to 500000000" % interval_ms)
        self._hosts = [hosts] if isinstance(hosts, str) else list(hosts)
        self._port = port
        self._timeout_ms = timeout_ms
        self._samples = samples
        self._interval_ms = interval_ms
        self.ticks_ms = ticks or ticks_ms
        self._set_rtc = set_rtc
        self.known = False
        self.source = None
        self.hi = self.lo = 0
        self._asked = self.ticks_ms()
        self._base = (self._asked, 0, 0, 0, 0)
        # The same for the inner loops, see codec.append: the rate is kept positive.
        self.time_map = array("i", (self._asked, 0, 0, 0, 0x4000))
        self._wait_ms = self._failures = 0
        self.lock = Lock()
        self.on_shift = None
        self._adopted_us = self._error_us = 0
        self._drift_ppm = _UNCORRECTED_PPM
        self._ntp_us = self._ntp_error_us = self._stepped_us = 0

    def split(self, ticks):
        """Set hi and lo to the time at `ticks`, at most 6 days from the last call, as ms.

        The time is hi * 10^6 + lo: since the epoch, or since the start while not `known` (hi is
        then below 10^6). Allocates nothing, unless due() was not called for hours and the heap has
        room; every number stays below 2^30, a small int anywhere.
        """
        anchor, hi, lo, fraction, rate = self._base
        elapsed = (ticks - anchor & _MASK ^ _HALF) - _HALF
        if rate:
            # (elapsed * rate + fraction) >> 24 in two steps that stay below 2^30
            coarse = (elapsed >> 14) * rate
            lo += (coarse >> 10) + (
                (elapsed & 16383) * rate + ((coarse & 1023) << 14) + fraction >> 24
            )
        lo += elapsed
        self.hi = hi + lo // 1000000
        self.lo = lo % 1000000
        if elapsed > _REANCHOR_MS:
            try:
                self._anchor(ticks, self._micros(ticks), rate)
            except MemoryError:
                pass  # the heap is locked (an interrupt): a later call has days to do it

    def _micros(self, ticks):
        # Like split(), in us and big ints; also since the start while the time is unknown.
        anchor, hi, lo, fraction, rate = self._base
        elapsed = (ticks - anchor & _MASK ^ _HALF) - _HALF
        return (hi * 1000000 + lo + elapsed) * 1000 + ((elapsed * rate + fraction) * 1000 >> 24)

    def _anchor(self, ticks, us, rate):
        # Under the lock: send() reads `time_map`.
        ms, us = divmod(us, 1000)
        base = self._base = (ticks, ms // 1000000, ms % 1000000, (us << 24) // 1000, rate)
        for i in range(4):
            self.time_map[i] = base[i]
        self.time_map[_RATE] = rate + 0x4000

    def now_ms(self):
        """Unix time in ms, or None while it is unknown."""
        return self._micros(self.ticks_ms()) // 1000 if self.known else None

    @property
    def error_ms(self):
        """By how much the time may be off now, in ms; None while it is unknown."""
        return (self._error_at(self.ticks_ms()) + 999) // 1000 if self.known else None

    def _error_at(self, ticks):
        age_us = abs(self._micros(ticks) - self._adopted_us)
        return self._error_us + age_us * self._drift_ppm // 1000000

    def due(self):
        """True when sync() should be called now. Call it at least every 6 days; never blocks.

        Also where no host is left: then sync() says so, and the time has to come from elsewhere.
        """
        now = self.ticks_ms()
        if now - self._base[_TICKS] & _MASK > _REANCHOR_MS:
            with self.lock:
                self._anchor(now, self._micros(now), self._base[_RATE])
        return now - self._asked & _MASK >= self._wait_ms

    def sync(self):
        """Ask the NTP hosts and adopt the time, in timeout_ms a host (and its name look-up).

        Raises OSError, with the reason of each host, if there is no time to believe.
        """
        self._asked = self.ticks_ms()
        self._wait_ms = _RETRY_MS  # should there be no room for it now
        load_once(__name__, "timekeeping").sync(self)

    def observe(self, epoch_ms, ticks, error_ms, source):
        """A time heard elsewhere: at `ticks` it was `epoch_ms`, give or take `error_ms`.

        Not from a timer callback: it waits for the lock that a send() may hold below it.

        Adopted, which True tells, only if that is more accurate than what the clock has.
        """
        if epoch_ms < _OLDEST_MS:
            return False
        error_us = error_ms * 1000
        if self.known and error_us >= self._error_at(ticks):
            return False
        step_us = epoch_ms * 1000 - self._micros(ticks)
        load_once(__name__, "timekeeping").adopt(self, step_us, ticks, error_us, source)
        return True
