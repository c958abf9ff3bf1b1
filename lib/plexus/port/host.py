"""Stands in for what an interpreter lacks of MicroPython's; a usual board never loads it."""

import time


class micropython:
    @staticmethod
    def viper(function):
        return function

    native = viper


def const(value):
    return value


def sleep_ms(milliseconds):
    time.sleep(milliseconds / 1000)


def ticks_ms():
    """Milliseconds from an arbitrary start; wraps at 2^30 as MicroPython's do."""
    return time.monotonic_ns() // 1000000 & 0x3FFFFFFF  # pyright: ignore[reportAttributeAccessIssue] -- CPython's


def ticks_us():
    """Microseconds from an arbitrary start; wraps as ticks_ms does."""
    return time.monotonic_ns() // 1000 & 0x3FFFFFFF  # pyright: ignore[reportAttributeAccessIssue] -- CPython's


def ticks_add(ticks, milliseconds):
    """The ticks so many milliseconds later, or earlier; OverflowError beyond half a wrap."""
    if not -0x20000000 < milliseconds < 0x20000000:
        raise OverflowError("ticks interval overflow")
    return ticks + milliseconds & 0x3FFFFFFF


def ticks_diff(end, start):
    """end - start for ticks less than half a wrap (6.2 days) apart, in [-2^29, 2^29)."""
    return ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000


def bytes_of(numbers):
    """The bytes of an array.array of 8-byte items, in place."""
    return memoryview(numbers).cast("B")


def get_ident():
    """The one thread's number, where there are no threads."""
    return 1


class Lock:
    """For a build without threads: timer callbacks still interrupt, so it still locks."""

    def __init__(self):
        self._taken = False

    def acquire(self, wait=True):
        taken = self._taken
        self._taken = True
        return not taken

    def release(self):
        self._taken = False

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()
