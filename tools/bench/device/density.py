"""How many bytes a waiting reading takes."""

import gc

from common import client, fill, main, naive_points
from data import START_MS, steps, values


def ours(kind, ring_bytes):
    px = client("http://127.0.0.1:9/api/ingest", ring_bytes)
    fill(px, kind)
    return {"readings": px.pending, "bytes": ring_bytes}


def ours_explicit(kind, ring_bytes):
    """Each with a timestamp of its own, given by the program."""
    px = client("http://127.0.0.1:9/api/ingest", ring_bytes)
    value, step = values(kind), steps()
    while not px.dropped:
        px.send("temperature", next(value), timestamp=START_MS + next(step))
    return {"readings": px.pending, "bytes": ring_bytes}


def naive(kind, count):
    gc.collect()
    before = gc.mem_alloc()
    points = naive_points(count, kind)
    gc.collect()
    return {"readings": len(points), "bytes": gc.mem_alloc() - before}


if __name__ == "__main__":
    main({"ours": ours, "ours_explicit": ours_explicit, "naive": naive})
