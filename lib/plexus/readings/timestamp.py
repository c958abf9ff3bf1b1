"""The timestamps that a program gives."""

from ..port import const
from .render import SINGLE

_OLDEST_MS = const(1577836800000)  # 2020, as the clock has it


def epoch_ms(timestamp):
    """An explicit timestamp, in s or (from 10^12 on) ms since 1970, as ms (int)."""
    if isinstance(timestamp, float) and SINGLE:
        raise ValueError("timestamp: this board's floats step by 128 s; give int s or int ms")
    if (
        isinstance(timestamp, bool)
        or not isinstance(timestamp, (int, float))
        or not 0 < timestamp < 1000000000000000
    ):
        raise ValueError("timestamp: %r; give s or ms since 1970" % (timestamp,))
    if timestamp < 1000000000000:
        timestamp *= 1000
    if timestamp < _OLDEST_MS:
        raise ValueError(
            "timestamp: %d s is before 2020; give s or ms since 1970, or leave it out "
            "(a board's time.time() counts from 2000: add 946684800)" % (timestamp // 1000)
        )
    return timestamp if isinstance(timestamp, int) else int(timestamp + 0.5)
