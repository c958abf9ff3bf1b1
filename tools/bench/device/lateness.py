"""How late samples are taken at 100 Hz while readings are flushed to a server that is slow."""

import asyncio
import time

from common import main

_INTERVAL_MS = 10


class Probe:
    """A sensor that notes by how many ms it is read too late."""

    def __init__(self, late_ms):
        self.channel = None
        self._late_ms = late_ms
        self._value = 0

    def read(self):
        late_ms = time.ticks_diff(time.ticks_ms(), self.channel.due)
        self._late_ms.append(late_ms)
        self._value = (self._value + 1) % 100
        return (("probe", self._value / 10),)


def _client(endpoint):
    from plexus import Clock, Plexus

    clock = Clock((), set_rtc=False)
    clock.observe(1700000000000, time.ticks_ms(), 1, "server")
    return Plexus(
        "plx_bench",
        "bench-1",
        endpoint=endpoint,
        ring_bytes=65536,
        flush_interval_ms=1000,
        keep_alive=True,
        clock=clock,
    )


def _sample(endpoint, seconds, deliver):
    # Returns the lateness of each sample, sorted, and what was confirmed.
    from plexus.sensors import Sampler

    px = _client(endpoint)
    late_ms = []
    probe = Probe(late_ms)
    sampler = Sampler(px)
    tick = deliver(px)
    probe.channel = sampler.add(probe, interval_ms=_INTERVAL_MS)
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < seconds * 1000:
        wait_ms = sampler.tick()
        tick()
        time.sleep_ms(min(wait_ms, 2))
    # What was never taken, because other things took longer than its interval, is late as well.
    late_ms.sort()
    return {"late_ms": late_ms, "confirmed": px.confirmed, "due": seconds * 1000 // _INTERVAL_MS}


def thread(endpoint, seconds):
    """As the firmware does it: the flush in a thread."""
    from firmware.uploader import Uploader

    def deliver(px):
        Uploader(px, lambda: True, lambda: None, lambda: None).start()
        return lambda: None

    return _sample(endpoint, seconds, deliver)


def agent(endpoint, seconds, url):
    """As the firmware does it, with the agent connected and streaming all of it."""
    return asyncio.run(_stream(endpoint, seconds, url))


async def _stream(endpoint, seconds, url):
    from firmware.uploader import Uploader
    from plexus.agent.agent import Agent
    from plexus.agent.streams import Stream
    from plexus.sensors import Sampler

    px = _client(endpoint)
    late_ms = []
    probe = Probe(late_ms)
    sampler = Sampler(px)
    probe.channel = sampler.add(probe, interval_ms=_INTERVAL_MS)
    live = Agent(px, sampler, url)
    tasks = [asyncio.create_task(live.run())]
    while not live.connected:
        await asyncio.sleep(0.01)
    live.live.start(Stream("s1"))
    Uploader(px, lambda: True, lambda: None, lambda: None).start()
    probe.channel.restart()
    tasks.append(asyncio.create_task(sampler.run()))
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    late_ms.sort()
    return {
        "late_ms": late_ms,
        "confirmed": px.confirmed,
        "due": seconds * 1000 // _INTERVAL_MS,
        "shown": live.live.sent,
    }


def loop(endpoint, seconds):
    """In one loop with the sampling."""
    return _sample(endpoint, seconds, lambda px: px.tick)


if __name__ == "__main__":
    main({"thread": thread, "loop": loop, "agent": agent})
