"""How late samples are taken at 100 Hz while readings are flushed to a server that is slow."""

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


def _sample(endpoint, seconds, deliver):
    # Returns the lateness of each sample, sorted, and what was confirmed.
    from plexus import Clock, Plexus
    from plexus.sensors import Sampler

    clock = Clock((), set_rtc=False)
    clock.observe(1700000000000, time.ticks_ms(), 1, "server")
    px = Plexus(
        "plx_bench",
        "bench-1",
        endpoint=endpoint,
        ring_bytes=65536,
        flush_interval_ms=1000,
        keep_alive=True,
        clock=clock,
    )
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
    from firmware.courier import Courier

    def deliver(px):
        Courier(px, lambda: True, lambda: None, lambda: None).start()
        return lambda: None

    return _sample(endpoint, seconds, deliver)


def loop(endpoint, seconds):
    """In one loop with the sampling."""
    return _sample(endpoint, seconds, lambda px: px.tick)


if __name__ == "__main__":
    main({"thread": thread, "loop": loop})
