"""How much heap a flush allocates in all, with nothing collected meanwhile."""

import gc

from common import client, fill, main, naive_points, naive_post

_KIND = "single"


def ours(endpoint, count, batch_points):
    px = client(endpoint, 16 * count + 4096, batch_points=batch_points, timeout_ms=60000)
    # The first flush loads what is loaded once and stays.
    fill(px, _KIND, 1)
    px.flush()
    fill(px, _KIND, count)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    confirmed = px.flush()
    allocated = gc.mem_alloc() - before
    gc.enable()
    gc.collect()
    return {"confirmed": confirmed, "allocated": allocated, "stays": gc.mem_alloc() - before}


def ours_need(endpoint, count, batch_points):
    """The least free heap, to 64 B, in which a flush succeeds."""
    px = client(endpoint, 16 * count + 4096, batch_points=batch_points, timeout_ms=60000)
    fill(px, _KIND, 1)
    px.flush()
    low, high = 0, 256
    while high - low > 1:
        fill(px, _KIND, count)
        middle = (low + high) // 2
        if _flushes_with(px, 64 * middle):
            high = middle
        else:
            low = middle
    return {"need": 64 * high}


def _flushes_with(px, free):
    from plexus import PlexusError

    failures = (MemoryError, OSError, PlexusError)  # made while there is memory for it
    gc.collect()
    # In a list that is emptied by hand: a chain of them would stay as long as any forgotten place
    # of the C stack, which is searched for pointers, still holds the first one's address.
    taken = [None] * 512
    count = 0
    for size in (8192, 1024, 128, 16):
        try:
            while gc.mem_free() > free + size + 64:
                taken[count] = bytearray(size)
                count += 1
        except MemoryError:
            pass  # no piece of this size is left
    try:
        px.flush()
    except failures:
        pass
    for i in range(count):
        taken[i] = None
    gc.collect()
    return not px.pending


def naive(endpoint, count, _batch_points):
    naive_post(endpoint, naive_points(1, _KIND))
    points = naive_points(count, _KIND)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    confirmed = naive_post(endpoint, points)
    allocated = gc.mem_alloc() - before
    gc.enable()
    gc.collect()
    return {"confirmed": confirmed, "allocated": allocated, "stays": gc.mem_alloc() - before}


if __name__ == "__main__":
    main({"ours": ours, "ours_need": ours_need, "naive": naive})
