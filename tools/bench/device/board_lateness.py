"""How late samples are taken at 100 Hz while the firmware's uploader delivers them."""

import time
from array import array

from board_common import join, say, start

_RING_BYTES = 4096
_INTERVAL_MS = 10


def main(given, seconds):
    """By how many ms samples are taken too late while the firmware flushes each second."""
    start(given)
    late_ms = array("H", bytes(2 * 100 * seconds))  # before the heap is in pieces
    join(given)
    from board_client import client, fill

    # Before all else that is loaded: Python would grow into what its roots and TLS need.
    px = client(given, ring_bytes=_RING_BYTES, keep_alive=True, flush_interval_ms=1000)
    fill(px, 1)

    from firmware.uploader import Uploader
    from plexus.sensors import Sampler

    sampler = Sampler(px)
    probe = _Probe(late_ms)
    probe.channel = sampler.add(probe, interval_ms=_INTERVAL_MS)
    uploader = Uploader(px, lambda: True, lambda: None, lambda: None)
    if uploader.start():
        _beside_thread(sampler, uploader, seconds)
    else:
        import asyncio

        asyncio.run(_in_one_loop(sampler, uploader, seconds))
    say("confirmed", px.confirmed, px.status)
    say("due", seconds * 1000 // _INTERVAL_MS)
    for i in range(0, probe.count, 50):
        say("late", *late_ms[i : min(i + 50, probe.count)])


def _beside_thread(sampler, uploader, seconds):
    begun = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begun) < seconds * 1000:
        time.sleep_ms(min(sampler.tick(), 2))
    uploader.stop()
    begun = time.ticks_ms()
    while uploader.running and time.ticks_diff(time.ticks_ms(), begun) < 15000:
        time.sleep_ms(50)


async def _in_one_loop(sampler, uploader, seconds):
    # As the firmware does without PSRAM, where a thread's stack is RAM that TLS needs.
    import asyncio

    delivering = asyncio.create_task(uploader.run(lambda: min(max(sampler.tick(), 1), 2)))
    begun = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begun) < seconds * 1000:
        await asyncio.sleep(min(sampler.tick(), 2) / 1000)
    uploader.stop()
    await delivering


class _Probe:
    """A sensor that notes by how many ms it is read too late."""

    def __init__(self, late_ms):
        self.channel = None
        self.count = 0
        self._late_ms = late_ms

    def read(self):
        if self.count < len(self._late_ms):
            late_ms = time.ticks_diff(time.ticks_ms(), self.channel.due)
            self._late_ms[self.count] = min(max(late_ms, 0), 65535)
            self.count += 1
        return (("probe", self.count % 100 / 10),)
