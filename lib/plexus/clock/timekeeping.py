"""Sets a clock: asks NTP, decides which time to believe, and learns the drift from it.

The first NTP answer is compared with a second host's, if that answers quickly, later ones with the
clock itself. Two that agree within a second (and their error bounds) win; while none do, further
hosts are asked. A lone answer is believed; if it is poor, all are asked again soon.

Drift: all steps since an earlier NTP time over the time between, once that is 50,000 times
the errors of the two (20 ppm). HTTP's and the server's times step the clock but tell no drift.
"""

import os
import time

from ..port import const, load_once

_RATE_MAX = const(8388)  # 500 ppm: more than that is no crystal's drift but a step
_AGREE_US = const(1000000)
_POOR_US = const(1500000)  # RFC 5905 section 10, MAXDIST
_SPAN_ERRORS = const(50000)
_TEMPERATURE_PPM = const(10)  # how fast the error may still grow when the drift is known
_RATE = const(4)  # of a time map, see readings/codec.py
_RETRY_MS = const(4000)  # doubled with each failure up to
_RETRY_MAX_MS = const(64000)  # while the time is unknown, since everything waits for it


def measure(*arguments):
    return load_once(__name__, "sntp").measure(*arguments)


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


def sync(clock):
    """Ask the NTP hosts and adopt the time, in timeout_ms a host (and its name look-up).

    Raises OSError, with the reason of each host, if there is no time to believe.
    """
    base = clock._base
    try:
        best = _ask(clock)
        if clock._base is not base:  # by observe(): what was heard is measured from the old line
            raise OSError("the time was set meanwhile")
    except (OSError, MemoryError):
        limit_ms = clock._interval_ms if clock.known else _RETRY_MAX_MS
        wait_ms = min(_RETRY_MS << min(clock._failures, 16), limit_ms)
        clock._failures += 1
        # Half of it at random, so that a fleet does not come back in step.
        jitter = int.from_bytes(os.urandom(2), "big")
        clock._wait_ms = wait_ms - (wait_ms // 2 * jitter >> 16)
        raise
    finally:
        clock._asked = clock.ticks_ms()
    step_us, error_us, host, ticks = best
    if error_us > _POOR_US:
        # Better than no time, and soon to be asked again, as others are.
        clock._wait_ms = min(_RETRY_MS << min(clock._failures, 16), clock._interval_ms)
        clock._failures += 1
    else:
        clock._failures = 0
        clock._wait_ms = clock._interval_ms
    if host != clock._hosts[0]:
        clock._hosts.remove(host)
        clock._hosts.insert(0, host)
    old_us = clock._error_at(ticks)
    # A congested answer that does not contradict a better clock tells nothing.
    if not clock.known or error_us <= old_us or abs(step_us) > error_us + old_us:
        adopt(clock, step_us, ticks, error_us, "ntp")


def _ask(clock):
    # Returns the better of two witnesses that agree, or the only one. A witness is (step_us,
    # error_us, host, ticks): its step is what it says less what this clock's time map says, so
    # that witnesses compare whenever they were heard.
    witnesses = []
    if clock.known:
        now = clock.ticks_ms()
        witnesses.append((0, clock._error_at(now), None, now))
    answers = 0
    poor = None
    reasons = ""
    for host in tuple(clock._hosts):
        # A first answer with nothing to compare is worth one quick question to the next host.
        check = answers == len(witnesses) == 1
        try:
            epoch_us, ticks, error_us = measure(
                host,
                clock._port,
                max(clock._timeout_ms // 4, 1) if check else clock._timeout_ms,
                1 if check else clock._samples,
                clock.ticks_ms,
            )
        except OSError as error:
            reason = str(error)
            reasons += "; %s: %s" % (host, reason)
            kiss = reason[-4:]
            if kiss in ("DENY", "RSTR"):  # never to be asked again (RFC 5905 section 7.4)
                clock._hosts.remove(host)
            elif kiss == "RATE":
                clock._failures = 16  # if nobody else answers, wait long
            if check:
                break
            continue
        answers += 1
        found = (epoch_us - clock._micros(ticks), error_us, host, ticks)
        for other in witnesses:
            if abs(found[0] - other[0]) <= _AGREE_US + found[1] + other[1]:
                best = other if other[2] and other[1] <= found[1] else found
                if best[1] <= _POOR_US:
                    return best
                poor = best
        witnesses.append(found)
    if poor:
        return poor
    if answers == 1:
        return witnesses[-1]
    if answers:
        raise OSError("NTP hosts disagree" + reasons)
    raise OSError("no NTP time" + (reasons or ": no host left to ask"))


def count_from(clock, start_ms, ticks):
    """Until the time is known, count on from `start_ms` (below 10^12) at `ticks`, not from 0."""
    with clock.lock:
        clock._anchor(ticks, start_ms * 1000, 0)


def adopt(clock, step_us, ticks, error_us, source):
    old_us = clock._micros(ticks)
    us = old_us + step_us
    rate = clock._base[_RATE]
    if clock.known:
        clock._stepped_us += step_us
    if source == "ntp":
        errors_us = error_us + clock._ntp_error_us
        span_us = us - clock._ntp_us
        if not clock._ntp_us:
            clock._ntp_us, clock._ntp_error_us, clock._stepped_us = us, error_us, 0
        elif span_us >= _SPAN_ERRORS * errors_us:
            change = (clock._stepped_us << 24) // span_us
            if rate:
                change >>= 1  # a later estimate counts half: it smooths the network's noise
            if -_RATE_MAX <= rate + change <= _RATE_MAX:
                rate += change
                clock._drift_ppm = _TEMPERATURE_PPM + errors_us * 1000000 // span_us
            clock._ntp_us, clock._ntp_error_us, clock._stepped_us = us, error_us, 0
    clock._adopted_us, clock._error_us = us, error_us
    clock.source = source
    with clock.lock:
        clock._anchor(ticks, us, rate)
        if not clock.known:
            clock.known = True
            if clock.on_shift:
                shift_ms = us // 1000 - old_us // 1000
                clock.on_shift(shift_ms // 1000000, shift_ms % 1000000)
    if clock._set_rtc:
        _set_rtc(clock._micros(clock.ticks_ms()))
