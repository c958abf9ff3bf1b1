"""How long send() takes, and a flush over https."""

import gc
import time

from board_common import join, say, start

_RING_BYTES = 4096
_READINGS = 200


def send(given):
    """us of a send(), without the loop around it."""
    start(given)
    from plexus import Plexus

    px = Plexus(given["key"], "bench-1", ring_bytes=_RING_BYTES)
    px.send("temperature", 0)
    values = [number / 10 for number in range(_READINGS)]
    took_us = []
    for function in (px.send, _nothing):
        gc.collect()
        begun = time.ticks_us()
        for value in values:
            function("temperature", value)
        took_us.append(time.ticks_diff(time.ticks_us(), begun))
    say("send", (took_us[0] - took_us[1]) / _READINGS)


def _nothing(metric, value):
    pass


def flush(given, keep_alive):
    """us of flushes, by how many readings each has; the first of them has to connect."""
    start(given)
    join(given)
    from board_client import client, fill

    px = client(given, ring_bytes=_RING_BYTES, keep_alive=keep_alive)
    for count in (1, 1, 1, 1, _READINGS, _READINGS, _READINGS):
        fill(px, count)
        begun = time.ticks_us()
        px.flush()
        say("flush", count, time.ticks_diff(time.ticks_us(), begun))
