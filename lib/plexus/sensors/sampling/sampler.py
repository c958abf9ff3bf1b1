"""Reads each sensor at its own rate and sends its readings; one failure does not stop the rest."""

import asyncio

from ...port import const

_WAKING_MS = const(100)  # after so long it is seen that a sensor was woken


class Sampler:
    """Call `tick()` in a loop, or let `run()` be one of the program's tasks."""

    def __init__(self, px):
        self._px = px
        self.channels = []

    def add(self, sensor, *arguments, **options):
        """Read a sensor every `interval_ms`; returns its Channel. The arguments in their order:

        sensor, interval_ms=None, name=None, prefix="", tags=None, calibration=None, deadband=None,
        average=1, heartbeat_ms=0, on_demand=False, factory=None

        sensor: a driver, or any object whose `read()` gives (metric, value) or (metric, value,
        tags), as many as it likes, or a dict. What has happened meanwhile is (metric, value,
        tags or None, its age in ms), and gets the time at which it happened. `prefix` goes before
        each metric, `tags` with each. `name` is what `status` calls it.

        calibration: {metric: (scale, offset)}; the value sent is value * scale + offset. Of an
        object's values, {"acceleration.x": ...} is one and {"acceleration": ...} all.
        deadband: a value is sent when it differs by so much from the last one sent; a number for
        all metrics, or {metric: number}. What is no number is sent when it changes.
        average: the mean of so many reads is sent, once for all of them; of what has no mean
        (texts, bools, what a driver names in NO_MEAN) the last.
        heartbeat_ms: what a deadband holds back is sent after so long even so; 0: it is not.
        Means and last values are kept for 64 metrics with their tags: the oldest is forgotten.
        on_demand: True: it is read only while somebody wants to see it; see `Channel.wake()`.
        factory: makes the sensor again with other options, factory(**options), for `configure()`.
        """
        from .adding import made  # which a program may unload() when all are there

        channel = made(self.channels, sensor, *arguments, **options)
        if not channel.on_demand:
            channel.wake(self._px)
        self.channels.append(channel)
        return channel

    def remove(self, channel):
        """Read it no more."""
        self.channels.remove(channel)
        if hasattr(channel.sensor, "close"):
            channel.sensor.close()

    def find(self, name):
        """The Channel of this name, None if there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        return None

    def tick(self):
        """Do what is due; returns the ms until there is more to do.

        It does not wait for conversions, and raises nothing that a sensor raised.
        """
        wait_ms = 1000
        for channel in self.channels:
            client = channel.client
            wait_ms = min(wait_ms, _WAKING_MS if client is None else channel.tick(client))
        return wait_ms

    async def run(self):
        """tick() for ever, asleep in between."""
        while True:
            await asyncio.sleep(max(self.tick(), 1) / 1000)

    @property
    def status(self):
        """By each sensor's name "ok", or what is wrong with it.

        "starting" before its first reading, "idle" while it is not read as nobody wants to see it.
        """
        return {channel.name: channel.status for channel in self.channels}
