"""The agent's heap, connected and streaming, and how many frames a second it gets onto a socket."""

import asyncio
import gc
import time

from common import main

_FRAMES = 1000
_READINGS = 20  # in each of them


class _Probe:
    METRICS = ("probe",)

    def __init__(self):
        self._value = 0

    def read(self):
        self._value = (self._value + 1) % 100
        return (("probe", self._value / 10),)


def _client(endpoint, ring_bytes=256):
    from plexus import Clock, Plexus

    clock = Clock((), set_rtc=False)
    clock.observe(1700000000000, time.ticks_ms(), 1, "server")
    return Plexus("plx_bench", "bench-1", endpoint=endpoint, ring_bytes=ring_bytes, clock=clock)


def _used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


async def _nothing():
    await asyncio.sleep(0)


async def _until(predicate):
    while not predicate():
        await asyncio.sleep(0.01)


def heap(endpoint, url):
    """Bytes beside a client and a sampler: of the import, and when connected, and streaming."""
    from plexus.sensors import Sampler

    px = _client(endpoint)
    sampler = Sampler(px)
    sampler.add(_Probe(), interval_ms=20)
    asyncio.run(_nothing())  # loads what asyncio itself loads
    before = _used()
    from plexus.agent.agent import Agent

    imported = _used() - before
    agent = Agent(px, sampler, url)
    made = _used() - before

    async def live():
        from plexus.agent.streams import Stream

        tasks = [asyncio.create_task(part.run()) for part in (agent, sampler)]
        await _until(lambda: agent.connected)
        await asyncio.sleep(0.5)
        connected = _used() - before
        agent.live.start(Stream("s1"))
        await _until(lambda: agent.live.sent > 20)
        streaming = _used() - before
        for task in tasks:
            task.cancel()
        return {"imported": imported, "made": made, "connected": connected, "streaming": streaming}

    return asyncio.run(live())


def frames(endpoint, url):
    """How long (ms) so many frames take to the server, one after the other as fast as they go."""
    return asyncio.run(_frames(endpoint, url))


async def _frames(endpoint, url):
    from plexus.agent.hello import hello
    from plexus.agent.live import Live
    from plexus.agent.streams import Stream
    from plexus.websocket import connect

    px = _client(endpoint, 16384)
    live = Live(px)
    live.start(Stream("s1"))
    live.connected = True
    ws = await connect(url)
    for text in hello(px, None, _NoCommands):
        await ws.send(text, final=text == "}")
    await ws.recv()
    start = time.ticks_ms()
    for _ in range(_FRAMES):
        for number in range(_READINGS):
            px.send("probe", number / 10)
        await ws.send(live.frame(), text=True)
    await ws.ping()
    heard_at = ws.heard_at
    reader = asyncio.create_task(ws.recv())
    # The answer to the ping comes when the server has taken all of it.
    await _until(lambda: ws.heard_at != heard_at)
    took_ms = time.ticks_diff(time.ticks_ms(), start)
    reader.cancel()
    return {"frames": _FRAMES, "readings": live.sent, "took_ms": took_ms}


class _NoCommands:
    @staticmethod
    def names():
        return []


if __name__ == "__main__":
    main({"heap": heap, "frames": frames})
