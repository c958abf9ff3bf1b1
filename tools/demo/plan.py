"""When the demo's outages begin and end."""

from collections.abc import Iterator

MIN_S = 5
_FIRST_S, _LENGTH_S, _EVERY_S = 8.0, 8.0, 300.0


def outages(for_s: float | None) -> Iterator[tuple[float, float]]:
    """(start, length) in seconds from the beginning: one in a bounded run, else one in 5 minutes.

    A bounded run leaves half of its time for the catch-up.
    """
    if for_s is not None:
        yield min(_FIRST_S, for_s / 4), min(_LENGTH_S, for_s / 4)
        return
    start = _FIRST_S
    while True:
        yield start, _LENGTH_S
        start += _EVERY_S
