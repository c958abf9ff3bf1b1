"""What MicroPython has and CPython lacks, found by feature tests; nothing else tells them apart."""

# ruff: noqa: F401

try:
    from time import sleep_ms, ticks_add, ticks_diff, ticks_ms, ticks_us

    import micropython
    from micropython import const
except ImportError:
    from ._host import const, micropython, sleep_ms, ticks_add, ticks_diff, ticks_ms, ticks_us

try:
    from uctypes import addressof, bytearray_at

    def bytes_of(numbers):
        """The bytes of an array.array of 8-byte items, in place; it must outlive them."""
        return bytearray_at(addressof(numbers), 8 * len(numbers))
except ImportError:
    from ._host import bytes_of  # pyright: ignore[reportAssignmentType] -- a memoryview there

try:
    from _thread import allocate_lock as Lock
    from _thread import get_ident
except ImportError:
    from ._host import Lock, get_ident
