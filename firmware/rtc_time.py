"""The time over deep sleep: a client's clock goes on by the RTC, whose error is learned.

Asleep, an ESP32's RTC counts by an oscillator on the chip that has no crystal. Users measure errors
of up to 1 %, 36 s an hour, which differ from chip to chip and change with the temperature. Each
sync tells how much it was since the one before, and by that much each later sleep is corrected.
"""

import os

import machine

from plexus.port import const, load_once, ticks_diff

_BELIEVED = (2, 3, 4)  # causes of a reset over which it runs on: hard, watchdog, deep sleep
_EPOCH_MS = const(946684800000)  # 2000
_LATE_MS = const(3600000)  # by so much a wake may come late
_ERROR_MS = const(1000)
_LEARN_MS = const(600000)  # of a shorter time, NTP's own error says too much
_MOST_PPM = const(50000)


def now_ms():
    """What the RTC says, in ms since 1970; long ago if nobody has set it."""
    year, month, day, _, hour, minute, second, us = machine.RTC().datetime()
    # Whole days, for years that begin in March.
    year -= month < 3
    days = 365 * year + year // 4 - year // 100 + year // 400 - 719469
    days += (153 * ((month + 9) % 12) + 2) // 5 + day
    return ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + us // 1000


def resume(clock, kept, interval_ms):
    """Have the clock go on from what `kept` (an RtcMemory) tells: False if the RTC is no guide.

    A time that was known is known again, with an error of 1 % of the time since then. One that
    never was goes on counting, so that all that was kept is dated when it is known. It is no guide
    after a loss of power, or when its time is not one that the next wake can have: somebody has set
    it.
    """
    ticks = clock.ticks_ms()
    now = now_ms()
    slept_ms = now - kept.saved_ms
    believed = (
        kept.saved_ms
        and machine.reset_cause() in _BELIEVED
        and 0 <= slept_ms <= 2 * interval_ms + _LATE_MS
    )
    if not believed:
        kept.synced_ms = 0
        _new_line(kept)
    now += slept_ms * kept.rate_ppm // 1000000 if believed else 0
    if kept.synced_ms:
        error_ms = _ERROR_MS + max(now - kept.synced_ms, 0) // 100
        clock.observe(now, ticks, error_ms, "rtc")
    else:
        start_ms = now - _EPOCH_MS if now >= _EPOCH_MS else now
        load_once("plexus", "clock.timekeeping").count_from(clock, start_ms, ticks)
    return bool(believed)


def synced(kept, clock, before_ms, ticks):
    """The clock may have been set since; `before_ms` is what it said at these ticks, or None."""
    if not clock.known or clock.source == "rtc":
        return
    now = clock.now_ms() - ticks_diff(clock.ticks_ms(), ticks)
    span_ms = now - kept.synced_ms
    if before_ms and clock.source == "ntp" and span_ms >= _LEARN_MS:
        rate_ppm = kept.rate_ppm + (now - before_ms) * 1000000 // span_ms
        kept.rate_ppm = rate_ppm if -_MOST_PPM <= rate_ppm <= _MOST_PPM else 0
    kept.synced_ms = now
    _new_line(kept)


def _new_line(kept):
    # What was kept until now has its time, or will never have one.
    kept.line = int.from_bytes(os.urandom(4), "little")
