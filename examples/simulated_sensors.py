"""Reads the sensors of boards/simulated.json until Enter is pressed; prints what is going on.

As on a board, but that `machine` is a simulated one, whose buses have models of the chips: the
drivers do not know. It needs no wiring, and no network but that of the computer.
"""

import select
import sys
import time

import settings

from models import world

world.build()

from plexus import Plexus, PlexusError  # noqa: E402 -- only now is there a board
from plexus.board import Board  # noqa: E402
from plexus.sensors import Sampler  # noqa: E402


class Counted:
    """Plexus's send(), with a count of the readings."""

    def __init__(self, px):
        self.px = px
        self.ticks_ms = px.ticks_ms
        self.sent = 0

    def send(self, metric, value, tags=None):
        self.px.send(metric, value, tags=tags)
        self.sent += 1

    def send_batch(self, points, tags=None):
        self.px.send_batch(points, tags=tags)
        self.sent += len(points)


def finish():
    """Try for 10 s to bring the rest to the server."""
    for _ in range(10):
        try:
            px.flush()
            break
        except PlexusError as error:
            print(error)
            time.sleep(1)
    # px.rejected and px.dropped tell what was lost, and why is in px.status.
    counts = (counted.sent, px.confirmed, px.dropped, px.rejected)
    print(px.status)
    print("sent %d, confirmed %d, dropped %d, rejected %d" % counts)
    print("sampled at most %d ms late" % latest_ms)
    print("sensors:", sampler.status)


px = Plexus(**settings.PLEXUS)
counted = Counted(px)
sampler = Sampler(counted)
Board.load(settings.BOARD).fill(sampler)
latest_ms = 0
reported = time.ticks_ms()
keyboard = select.poll()
keyboard.register(sys.stdin, select.POLLIN)
wait_ms = 0
while not keyboard.poll(min(wait_ms, 5)):
    now = time.ticks_ms()
    for channel in sampler.channels:
        latest_ms = max(latest_ms, time.ticks_diff(now, channel.due))
    wait_ms = sampler.tick()
    px.tick()
    if time.ticks_diff(now, reported) >= 1000:
        reported = now
        print(px.status)
finish()
