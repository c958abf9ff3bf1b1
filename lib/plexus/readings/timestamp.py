"""The timestamps that a program gives."""

from .render import SINGLE


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
    return timestamp if isinstance(timestamp, int) else int(timestamp + 0.5)
