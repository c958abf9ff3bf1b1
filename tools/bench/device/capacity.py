"""Fill a ring or a list of a given size in the heap there is, and send it all."""

from common import client, fill, main, naive_points, naive_post


def ours(endpoint, kind, ring_bytes):
    px = client(endpoint, ring_bytes, timeout_ms=60000)
    fill(px, kind)
    return {"held": px.pending, "confirmed": px.flush(), "left": px.pending}


def naive(endpoint, kind, count):
    points = naive_points(count, kind)
    return {"held": len(points), "confirmed": naive_post(endpoint, points), "left": 0}


if __name__ == "__main__":
    main({"ours": ours, "naive": naive})
