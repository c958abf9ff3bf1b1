"""A battery node's upload: all that can go in one wake goes."""

import asyncio

from test_answers import Picky, mute

from clients import client, fill
from models import machine
from plexus.port import ticks_add, ticks_ms
from support import equal

with machine.Installed():
    from firmware.sleeper import deliver


class Network:
    state = "connected"
    status = ""

    async def run(self):
        await asyncio.sleep(10)


def test_refused_reading_keeps_no_other_from_going_in_the_same_wake():
    # The server does not name it, so that it is refused at two times before it is given up.
    server = Picky(mute)
    px = client(server)
    fill(px, 6)  # 3 and 4 are refused
    assert deliver(px, Network(), ticks_add(ticks_ms(), 30000), lambda: None)
    equal((sorted(server.kept), px.rejected, px.pending), ([0, 1, 2, 5], 2, 0))


def test_server_that_refuses_everything_ends_the_wake_when_it_is_over():
    px = client(Picky(lambda values: (400, "no")))
    fill(px, 3)
    assert not deliver(px, Network(), ticks_add(ticks_ms(), 500), lambda: None)
    equal((px.rejected, px.pending), (0, 3))
