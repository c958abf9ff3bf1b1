"""Turns monotonic ms ticks into Unix time: anchor, drift and when to ask NTP. Integers only.

The clock is a line: `base` holds one point of it (ticks, epoch as hi * 10^6 + lo ms, a fraction
of a ms in 2^-24) and its slope beyond 1 ms a tick (rate, in 2^-24 ms a ms, about 0.06 ppm).
It is one tuple, replaced in one assignment, so that an interrupt or another thread
finds either the old line or the new one.

Which time to believe: the first NTP answer is compared with a second host's, if that
answers quickly, later ones with the clock itself. Two that agree within a second (and their
error bounds) win; while none do, further hosts are asked. A lone answer is believed.

Drift: all steps since an earlier NTP time over the time between, once that is 50,000 times
the errors of the two (20 ppm). HTTP's and the server's times step the clock but tell no drift.
"""

import os
import time
from array import array

from . import forget
from ._port import Lock, const, micropython, ticks_ms

_MASK = const(0x3FFFFFFF)  # ticks count modulo 2^30 (or a multiple of it)
_HALF = const(0x20000000)
_REANCHOR_MS = const(0x1000000)  # 4.7 hours: ticks are ambiguous from 6.2 days on
_RATE_MAX = const(8388)  # 500 ppm: more than that is no crystal's drift but a step
_AGREE_US = const(1000000)
_SPAN_ERRORS = const(50000)
_UNCORRECTED_PPM = const(50)  # how fast the error bound grows before the drift is known
_TEMPERATURE_PPM = const(10)  # and what it still may change by afterwards
_OLDEST_MS = const(1577836800000)  # 2020
_RETRY_MS = const(4000)  # doubled with each failure up to
_RETRY_MAX_MS = const(64000)  # while the time is unknown, since everything waits for it

HOSTS = ("time.cloudflare.com", "time.google.com", "pool.ntp.org")


def _set_rtc(epoch_us):
    """Set the board's clock in UTC: ESP32 firmware refuses certificates before (it is 2000)."""
    try:
        from machine import RTC
    except ImportError:
        return
    seconds, us = divmod(epoch_us, 1000000)
    if time.gmtime(0)[0] == 2000:  # a port's own epoch
        seconds -= 946684800
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    # The ESP32 takes the last field as us and works out the weekday itself.
    RTC().datetime((year, month, day, weekday, hour, minute, second, us))


def measure(host, port, timeout_ms, samples, ticks):
    """sntp.measure; of a compiled file only for the while, since it serves seconds in an hour."""
    from .sntp import measure

    try:
        return measure(host, port, timeout_ms, samples, ticks)
    finally:
        if __file__.endswith(".mpy"):
            forget("sntp")


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
        # The same for the inner loops, see _viper.append: the rate is kept positive.
        self.line = array("i", (self._asked, 0, 0, 0, 0x4000))
        self._wait_ms = self._failures = 0
        self.lock = Lock()
        self.on_shift = None
        self._adopted_us = self._error_us = 0
        self._drift_ppm = _UNCORRECTED_PPM
        self._ntp_us = self._ntp_error_us = self._stepped_us = 0

    @micropython.native
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
        # Under the lock: send() reads `line`.
        ms, us = divmod(us, 1000)
        base = self._base = (ticks, ms // 1000000, ms % 1000000, (us << 24) // 1000, rate)
        for i in range(4):
            self.line[i] = base[i]
        self.line[4] = rate + 0x4000

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
        if now - self._base[0] & _MASK > _REANCHOR_MS:
            with self.lock:
                self._anchor(now, self._micros(now), self._base[4])
        return now - self._asked & _MASK >= self._wait_ms

    def sync(self):
        """Ask the NTP hosts and adopt the time, in timeout_ms a host (and its name look-up).

        Raises OSError, with the reason of each host, if there is no time to believe.
        """
        base = self._base
        try:
            best = self._ask()
            if self._base is not base:  # by observe(): what was heard is measured from the old line
                raise OSError("the time was set meanwhile")
        except (OSError, MemoryError):
            limit_ms = self._interval_ms if self.known else _RETRY_MAX_MS
            wait_ms = min(_RETRY_MS << min(self._failures, 16), limit_ms)
            self._failures += 1
            # Half of it at random, so that a fleet does not come back in step.
            jitter = int.from_bytes(os.urandom(2), "big")
            self._wait_ms = wait_ms - (wait_ms // 2 * jitter >> 16)
            raise
        finally:
            self._asked = self.ticks_ms()
        self._failures = 0
        self._wait_ms = self._interval_ms
        step_us, error_us, host, ticks = best
        if host != self._hosts[0]:
            self._hosts.remove(host)
            self._hosts.insert(0, host)
        old_us = self._error_at(ticks)
        # A congested answer that does not contradict a better clock tells nothing.
        if not self.known or error_us <= old_us or abs(step_us) > error_us + old_us:
            self._adopt(step_us, ticks, error_us, "ntp")

    def _ask(self):
        # Returns the better of two witnesses that agree, or the only one. A witness is (step_us,
        # error_us, host, ticks): its step is what it says less what this clock's line says, so
        # that witnesses compare whenever they were heard.
        witnesses = []
        if self.known:
            now = self.ticks_ms()
            witnesses.append((0, self._error_at(now), None, now))
        answers = 0
        reasons = ""
        for host in tuple(self._hosts):
            # A first answer with nothing to compare is worth one quick question to the next host.
            check = answers == len(witnesses) == 1
            try:
                epoch_us, ticks, error_us = measure(
                    host,
                    self._port,
                    max(self._timeout_ms // 4, 1) if check else self._timeout_ms,
                    1 if check else self._samples,
                    self.ticks_ms,
                )
            except OSError as error:
                reason = str(error)
                reasons += "; %s: %s" % (host, reason)
                kiss = reason[-4:]
                if kiss in ("DENY", "RSTR"):  # never to be asked again (RFC 5905 section 7.4)
                    self._hosts.remove(host)
                elif kiss == "RATE":
                    self._failures = 16  # if nobody else answers, wait long
                if check:
                    break
                continue
            answers += 1
            found = (epoch_us - self._micros(ticks), error_us, host, ticks)
            for other in witnesses:
                if abs(found[0] - other[0]) <= _AGREE_US + found[1] + other[1]:
                    return other if other[2] and other[1] <= found[1] else found
            witnesses.append(found)
        if answers == 1:
            return witnesses[-1]
        if answers:
            raise OSError("NTP hosts disagree" + reasons)
        raise OSError("no NTP time" + (reasons or ": no host left to ask"))

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
        self._adopt(epoch_ms * 1000 - self._micros(ticks), ticks, error_us, source)
        return True

    def _adopt(self, step_us, ticks, error_us, source):
        old_us = self._micros(ticks)
        us = old_us + step_us
        rate = self._base[4]
        if self.known:
            self._stepped_us += step_us
        if source == "ntp":
            errors_us = error_us + self._ntp_error_us
            span_us = us - self._ntp_us
            if not self._ntp_us:
                self._ntp_us, self._ntp_error_us, self._stepped_us = us, error_us, 0
            elif span_us >= _SPAN_ERRORS * errors_us:
                change = (self._stepped_us << 24) // span_us
                if rate:
                    change >>= 1  # a later estimate counts half: it smooths the network's noise
                if -_RATE_MAX <= rate + change <= _RATE_MAX:
                    rate += change
                    self._drift_ppm = _TEMPERATURE_PPM + errors_us * 1000000 // span_us
                self._ntp_us, self._ntp_error_us, self._stepped_us = us, error_us, 0
        self._adopted_us, self._error_us = us, error_us
        self.source = source
        with self.lock:
            self._anchor(ticks, us, rate)
            if not self.known:
                self.known = True
                if self.on_shift:
                    shift_ms = us // 1000 - old_us // 1000
                    self.on_shift(shift_ms // 1000000, shift_ms % 1000000)
        if self._set_rtc:
            _set_rtc(self._micros(self.ticks_ms()))
