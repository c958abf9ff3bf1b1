"""Several sensors at their own rates, each a task; another task sends.

tick() holds the loop for as long as a request takes, up to a second over TLS. So a reading that
has to be taken on time belongs in a timer callback (see timer_callback.py) or a second thread.
The board is on the network already (see basic.py).
"""

import asyncio
import gc
import time

import settings

from plexus import Plexus


async def sample(px, metric, read, interval_ms):
    while True:
        px.send(metric, read())
        await asyncio.sleep_ms(interval_ms)


async def deliver(px):
    while True:
        px.tick()
        await asyncio.sleep_ms(100)


async def main():
    px = Plexus(**settings.PLEXUS)
    await asyncio.gather(
        sample(px, "heap.free", gc.mem_free, 1000),
        sample(px, "uptime.ms", time.ticks_ms, 250),
        deliver(px),
    )


asyncio.run(main())
