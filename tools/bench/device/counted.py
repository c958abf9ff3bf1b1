"""What runs under callgrind: so many readings taken, and in some functions sent."""

import gc
import json
from time import ticks_ms, time_ns

from common import client, fill, main, naive_points, naive_post
from data import values

_NOWHERE = "http://127.0.0.1:9/api/ingest"
_MOST = 10000


class _Answer:
    status_code = 200

    def __init__(self, count):
        self.content = b'{"success":true,"count":%d}' % count

    def close(self):
        pass


class _Sockets:
    """Stands in for the module `requests`: takes the body's pieces, and confirms them."""

    def __init__(self):
        self.count = 0

    def request(self, method, url, data=None, headers=None, timeout=None):
        for _ in data:
            pass
        return _Answer(self.count)


def _check(confirmed, count):
    # No assert: compiled files are made without.
    if confirmed != count:
        raise ValueError("%d of %d readings were confirmed" % (confirmed, count))


def _filled(count, kind, endpoint, **options):
    px = client(endpoint, 16 * _MOST, batch_points=_MOST, timeout_ms=600000, **options)
    fill(px, kind, count)
    gc.collect()  # so that none falls into the flush at one count, and not at another
    return px


def ours_no_send(count, kind):
    """What the loop of `ours_send` costs without the sending."""
    client(_NOWHERE, 16 * _MOST, ticks_ms)
    value = values(kind)
    for _ in range(count):
        next(value)


def ours_send(count, kind):
    px = client(_NOWHERE, 16 * _MOST, ticks_ms)
    value = values(kind)
    for _ in range(count):
        px.send("temperature", next(value))


def ours_fill(count, kind):
    _filled(count, kind, _NOWHERE)


def ours_render(count, kind):
    """A flush whose body goes nowhere."""
    sockets = _Sockets()
    px = _filled(count, kind, _NOWHERE, requests=sockets)
    sockets.count = count
    _check(px.flush(), count)


def ours_flush(count, kind, endpoint):
    px = _filled(count, kind, endpoint)
    _check(px.flush(), count)


def _live(px):
    from plexus.agent.live import Live
    from plexus.agent.streams import Stream

    live = Live(px)
    live.start(Stream("s1"))
    live.connected = True
    return live


def ours_live_send(count, kind):
    """send() with a stream on, and no frame made: the live ring lets go of its oldest."""
    px = client(_NOWHERE, 16 * _MOST, ticks_ms)
    _live(px)
    value = values(kind)
    for _ in range(count):
        px.send("temperature", next(value))


def ours_live_frame(count, kind):
    """send() with a stream on, and all of it in frames of 20 readings."""
    px = client(_NOWHERE, 16 * _MOST, ticks_ms)
    live = _live(px)
    value = values(kind)
    for number in range(1, count + 1):
        px.send("temperature", next(value))
        if number % 20 == 0 or number == count:
            live.frame()
    _check(live.sent, count)


def naive_no_send(count, kind):
    value = values(kind)
    for _ in range(count):
        next(value)


def naive_send(count, kind):
    points = []
    value = values(kind)
    for _ in range(count):
        at = time_ns() // 1000000
        points.append({"metric": "temperature", "value": next(value), "timestamp": at})


def naive_fill(count, kind):
    naive_points(count, kind)


def naive_render(count, kind):
    json.dumps({"source_id": "bench-1", "points": naive_points(count, kind)})


def naive_flush(count, kind, endpoint):
    points = naive_points(count, kind)
    _check(naive_post(endpoint, points), count)


if __name__ == "__main__":
    main(globals())
