"""What the device programs of the benchmarks share: a client with a clock, its fill, output."""

import json
import sys

from data import START_MS, steps, values

_now = [0]


def made_up_ticks():
    """The board's ticks, which `fill` makes run: hours pass in a moment."""
    return _now[0]


def client(endpoint, ring_bytes, ticks=made_up_ticks, **options):
    """A Plexus that knows the time and sends only when told to."""
    from plexus import Clock, Plexus

    clock = Clock((), ticks=ticks, set_rtc=False)
    clock.observe(START_MS, ticks(), 1, "server")
    return Plexus(
        "plx_bench", "bench-1", endpoint=endpoint, ring_bytes=ring_bytes, clock=clock, **options
    )


def fill(px, kind, count=None):
    """Send `count` readings, or till the ring lets go of one."""
    value, step = values(kind), steps()
    start = _now[0]
    while px.pending < count if count is not None else not px.dropped:
        _now[0] = start + next(step) & 0x3FFFFFFF
        px.send("temperature", next(value))


def naive_points(count, kind):
    """The readings as a list of dicts, as the documentation's examples keep them."""
    value, step = values(kind), steps()
    points = []
    for _ in range(count):
        at = START_MS + next(step)
        points.append({"metric": "temperature", "value": next(value), "timestamp": at})
    return points


def naive_post(endpoint, points):
    """All of them in one request; returns how many the server confirmed."""
    import requests

    body = json.dumps({"source_id": "bench-1", "points": points})
    headers = {"x-api-key": "plx_bench", "Content-Type": "application/json"}
    answer = requests.post(endpoint, data=body, headers=headers)
    try:
        return answer.json()["count"]
    finally:
        answer.close()


def main(functions):
    """Run the function that the first argument names with the others, and print its result."""
    arguments = [int(text) if text.isdigit() else text for text in sys.argv[2:]]
    print(json.dumps(functions[sys.argv[1]](*arguments)))
