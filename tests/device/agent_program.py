"""A device for tests of the agent: micropython -m agent_program INGEST_URL WS_URL SECONDS

Sensors: "fast" (100 Hz), "mean" (20 Hz), "shown" (50 Hz, not kept). The readings are flushed in a
second thread. At the end one line of JSON tells what it has sent.
"""

import asyncio
import json
import sys
import time

from agent_world import KEY
from firmware.uploader import Uploader
from plexus import Clock, Plexus
from plexus.agent.agent import Agent
from plexus.sensors import Sampler


class Counter:
    """Gives 0, 1, 2, ... of its metric."""

    def __init__(self, metric):
        self.METRICS = (metric,)
        self.count = 0

    def configure(self, gain=1):
        pass

    def read(self):
        self.count += 1
        return ((self.METRICS[0], self.count - 1),)


async def main(ingest, ws, seconds):
    clock = Clock((), set_rtc=False)
    clock.observe(time.time_ns() // 1000000, time.ticks_ms(), 1, "server")
    px = Plexus(KEY, "dev-1", endpoint=ingest, ring_bytes=65536, clock=clock, flush_interval_ms=200)
    sampler = Sampler(px)  # pyright: ignore[reportArgumentType] -- send is an attribute
    sensors = {}
    for metric, interval_ms, on_demand in (
        ("fast", 10, False),
        ("mean", 50, False),
        ("shown", 20, True),
    ):
        sensors[metric] = Counter(metric)
        sampler.add(sensors[metric], interval_ms, name=metric, on_demand=on_demand)
    agent = Agent(px, sampler, ws, live_bytes=16384)

    @agent.command("talk", params={"lines": {"type": "integer", "min": 1, "max": 100}})
    async def talk(out, lines):
        for number in range(lines):
            out("line %d\n" % number)
            await asyncio.sleep(0.02)
        return {"lines": lines}

    stopped = []
    uploader = Uploader(px, lambda: True, lambda: None, lambda: None)
    uploader.start()
    tasks = [asyncio.create_task(part.run()) for part in (sampler, agent)]
    end = time.ticks_add(time.ticks_ms(), seconds * 1000)

    @agent.command("stop")
    def stop(out):
        stopped.append(True)

    while not stopped and time.ticks_diff(end, time.ticks_ms()) > 0:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    tasks[0].cancel()
    await asyncio.sleep(0.1)
    max_lateness_ms = {channel.name: channel.max_lateness_ms for channel in sampler.channels}
    uploader.stop()
    while uploader.running:
        await asyncio.sleep(0.05)
    px.flush()
    tasks[1].cancel()
    print(
        json.dumps(
            {
                "counts": {metric: sensors[metric].count for metric in sensors},
                "confirmed": px.confirmed,
                "dropped": px.dropped,
                "pending": px.pending,
                "live_dropped": agent.live.dropped,
                "live_sent": agent.live.sent,
                "errors": agent.errors,
                "connects": agent.connects,
                "max_lateness_ms": max_lateness_ms,
                "uploader": repr(uploader.error),
                "tasks": [task.done() for task in tasks],
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
