"""What the programs of a board's benchmarks share: memory, time, and what they say.

All of these programs are small, as what they take of the heap is missing in what is measured.
"""

import gc

import machine

try:
    import esp32
except ImportError:
    esp32 = None


def say(what, *numbers):
    """A line for the computer."""
    print(repr((what,) + numbers))


def used():
    """Bytes of Python's heap that something holds."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def system():
    """The system's heap, B: free, largest piece, least ever free, free for machine code.

    Nothing where no ESP-IDF is below. The third is the sum over the regions, whose minima may
    have come at different times: there was never less.
    """
    if esp32 is None:
        return ()
    data = esp32.idf_heap_info(esp32.HEAP_DATA)
    code = esp32.idf_heap_info(esp32.HEAP_EXEC)
    return (
        sum([region[1] for region in data]),
        max([region[2] for region in data]),
        sum([region[3] for region in data]),
        sum([region[1] for region in code]),
    )


def start(given):
    """Set the board's clock, and let a watchdog end what stands still."""
    machine.RTC().datetime(given["now"])
    machine.WDT(timeout=given["watchdog_ms"])


def join(given):
    """Join the WiFi network; what does that stays in memory no longer than that."""
    import sys

    from board_wifi import join

    sys.modules.pop("board_wifi")
    join(given)
