"""Values and times for the benchmarks, the same ones each time."""

from array import array

START_MS = 1700000000000


def values(kind):
    """Yield pseudo-random numbers, the same ones each time, that differ in how long they are.

    kind: "1 decimal", "2 decimals", "single" (any single-precision float), "double".
    """
    state = 1
    single = array("f", (0,))
    while True:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        if kind == "1 decimal":
            yield (200 + (state >> 8) % 100) / 10
        elif kind == "2 decimals":
            yield (2000 + (state >> 8) % 1000) / 100
        else:
            value = 20 + 10 * state / 0x80000000
            if kind == "single":
                single[0] = value
                value = single[0]
            yield value


def steps():
    """Yield ms since the start: 1 s apart, give or take 3 ms, as a program's loop brings about."""
    state = 7
    at = 1000
    while True:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield at + (state >> 12) % 7 - 3
        at += 1000
