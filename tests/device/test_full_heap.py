"""A flush in a heap that is full but for a little."""

import sys

from clients import client, fill
from support import equal, only

# Small, as it is searched for garbage again and again.
HEAP = "400K"
SHORT_NAMES = True


@only("micropython")
def test_flush_of_ten_thousand_readings_works_with_2_kb_of_heap(server):
    px = client(server, ring_bytes=60000, batch_points=10000, timeout_ms=30000)
    px.send("n", 0)
    px.flush()  # loads and caches what it needs
    fill(px, 10000)
    # Pointers, of which frames are made, take twice a board's memory here.
    reserve = bytearray(2048 if sys.maxsize < 1 << 32 else 3072)
    held = None
    for size in (65536, 4096, 512, 64, 16):
        try:
            while True:
                held = (held, bytearray(size))
        except MemoryError:
            pass  # no piece of this size is left
    del reserve
    equal(px.flush(), 10000)
