"""A device for the agent's tests in real time: real sockets, and a sensor at 100 Hz."""

import asyncio

from agent_world import KEY, START_MS, Ingest, Probe, beside, check
from plexus import Plexus
from plexus.agent.agent import Agent
from plexus.clock import Clock
from plexus.port import ticks_diff, ticks_ms
from plexus.sensors import Sampler

HELLO = 5  # frames in which it says what it is
AUTHENTICATED = b'{"type":"authenticated","source_id":"dev-1"}'


class Wired:
    """px, sampler with the sensor `probe`, agent."""

    def __init__(self, url, ticks=ticks_ms, ingest="http://127.0.0.1:9/api/ingest", **options):
        clock = Clock((), ticks=ticks, set_rtc=False)
        clock.observe(START_MS, ticks(), 1, "server")
        self.px = Plexus(KEY, "dev-1", endpoint=ingest, clock=clock, requests=Ingest())
        self.sampler = Sampler(self.px)  # pyright: ignore[reportArgumentType] -- send is an attribute
        self.probe = Probe("steady")
        self.sampler.add(self.probe, 10, name="steady")
        self.agent = Agent(self.px, self.sampler, url, stores=False, **options)

    async def until(self, predicate, limit_ms=20000):
        began = ticks_ms()
        while not predicate():
            check(ticks_diff(ticks_ms(), began) < limit_ms, self.agent.status)
            await asyncio.sleep(0.01)

    def run(self, main):
        """Run `main` (a coroutine) beside the agent and the sampler, which it must not end."""
        asyncio.run(beside((self.agent, self.sampler), main))
