"""Fill a ring or a list of a given size in the heap there is, and send it all.

The program itself is in that heap, so it holds no more than a user's would need.
"""

import sys

_, way, endpoint, kind, size = sys.argv


def ours(ring):
    from plexus import Clock, Plexus

    # A reading a second, give or take 3 ms: hours pass in a moment.
    now = count = 0
    state = 1
    decimal = kind == "1 decimal"
    clock = Clock((), ticks=lambda: now, set_rtc=False)
    clock.observe(1700000000000, 0, 1, "server")
    px = Plexus(
        "plx_bench", "bench-1", endpoint=endpoint, ring_bytes=ring, clock=clock, timeout_ms=60000
    )
    while not px.dropped:
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        count += 1
        now = 1000 * count + (state >> 12) % 7 & 0x3FFFFFFF
        # 24 bits and a power of two: single precision holds it.
        value = (200 + (state >> 8) % 100) / 10 if decimal else (state >> 7) / 0x80000
        px.send("temperature", value)
    return px.pending, px.flush(), px.pending


def naive(count):
    from common import naive_points, naive_post

    points = naive_points(count, kind)
    return len(points), naive_post(endpoint, points), 0


# A large ring is made first of all, while the heap is in one piece.
held = ours(bytearray(int(size))) if way == "ours" else naive(int(size))
print('{"held": %d, "confirmed": %d, "left": %d}' % held)
