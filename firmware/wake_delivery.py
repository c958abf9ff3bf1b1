"""What a battery node's wake sends: all that waits, at one go, as far as its time allows."""

import asyncio
import gc

from plexus import PlexusError
from plexus.port import const, load_once, sleep_ms, ticks_diff, ticks_ms

from .redact import redact

_TRIES = const(3)
_AGAIN_MS = const(1100)  # a second is between two refusals that count


class _Over(Exception):
    pass


def deliver(px, network, ends, feed, secrets=(), events=None):
    """Join the network and send all; True if the server has confirmed it.

    From ticks_ms `ends` on nothing is begun but the first try of a node that has joined. feed() is
    called before each request. secrets: what the server may repeat, and nobody is to read.
    events: a list of (name, text) to be told. It is empty once they are in the ring, and that is
    when the node has joined: a network that is away would fill the ring with them.
    """

    async def joined():
        task = asyncio.create_task(network.run())
        while network.state != "connected" and ticks_diff(ends, ticks_ms()) > 0:
            await asyncio.sleep(0.05)
        task.cancel()
        return network.state == "connected"

    def fed():
        feed()
        if px.pending and ticks_diff(ends, ticks_ms()) <= 0:
            raise _Over

    if not asyncio.run(joined()):
        print("plexus: network:", network.status)
        return False
    while events:
        px.event(*events.pop(0))
    feed()
    if px.clock.source == "rtc":  # which is good enough only until there is better
        load_once("plexus", "extras").set_clock(px)
    tries = _TRIES
    while tries:
        tries -= 1
        feed()
        try:
            px.flush(fed)
            print("plexus: first readings confirmed")
            return True
        except PlexusError as error:
            print("plexus: server:", redact(secrets, str(error)))
            if error.status == 400 or error.status == 413:
                # The reading that it is about is given up when it is refused at another time.
                tries += 1
                sleep_ms(_AGAIN_MS)
            elif error.status:
                break  # it answers, and will answer the same again
        except _Over:
            print("plexus: server: ok, but the wake is over")
        except MemoryError:
            gc.collect()
        if ticks_diff(ends, ticks_ms()) <= 0:
            break
    return False
