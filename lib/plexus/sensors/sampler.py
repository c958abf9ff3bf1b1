"""Reads sensors at their own rates and sends what they give; one that fails stops no other."""

import asyncio

from .._port import const, ticks_add, ticks_diff
from .driver import Driver

_LONGEST_MS = const(86400000)
_OLDEST_MS = const(0x1FFFFFFF)  # which ticks can tell
_BACKOFF_MS = const(60000)
_WORDS = const(200)


class Sampler:
    """Call `tick()` in a loop, or let `run()` be one of the program's tasks."""

    def __init__(self, px):
        self._px = px
        self.channels = []

    def add(
        self,
        sensor,
        interval_ms=None,
        name=None,
        prefix="",
        tags=None,
        calibration=None,
        deadband=None,
        average=1,
        heartbeat_ms=0,
    ):
        """Read a sensor every `interval_ms`; returns its Channel.

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
        """
        if interval_ms is None:
            interval_ms = getattr(sensor, "INTERVAL_MS", 1000)
        _check("interval_ms", interval_ms, 1, _LONGEST_MS)
        if not hasattr(sensor, "read"):
            raise ValueError("sensor: %r has no read()" % (sensor,))
        shape = None
        if calibration or deadband is not None or average != 1 or heartbeat_ms:
            from .shape import Shape

            no_mean = getattr(sensor, "NO_MEAN", ())
            shape = Shape(calibration, deadband, average, heartbeat_ms, no_mean)
        name = self._unique(name or _name_of(sensor))
        channel = Channel(sensor, interval_ms, name, prefix, tags, shape)
        channel.due = channel.slot = self._px.ticks_ms()
        self.channels.append(channel)
        return channel

    def remove(self, channel):
        """Read it no more."""
        self.channels.remove(channel)
        if isinstance(channel.sensor, Driver):
            channel.sensor.close()

    def tick(self):
        """Do what is due; returns the ms until there is more to do.

        It does not wait for conversions, and raises nothing that a sensor raised.
        """
        px = self._px
        wait_ms = 1000
        for channel in self.channels:
            wait_ms = min(wait_ms, channel.tick(px))
        return wait_ms

    async def run(self):
        """tick() for ever, asleep in between."""
        while True:
            await asyncio.sleep(max(self.tick(), 1) / 1000)

    @property
    def status(self):
        """By each sensor's name "ok", or what is wrong with it; "starting" before its first."""
        return {channel.name: channel.status for channel in self.channels}

    def _unique(self, name):
        names = [channel.name for channel in self.channels]
        unique, number = name, 2
        while unique in names:
            unique = "%s_%d" % (name, number)
            number += 1
        return unique


class Channel:
    """One sensor's schedule, and what became of it.

    status: "ok", or what is wrong. failures: how many in a row. latest_ms: by how much it was ever
    gone on with too late, because the program was busy with other things.

    If it begins to fail, and when it is well again, that is sent as a reading
    `<prefix><name>.status` of the same words; under a prefix that ends in the name and a point it
    is `<prefix>status`.
    """

    def __init__(self, sensor, interval_ms, name, prefix, tags, shape):
        self.sensor = sensor
        self.interval_ms = interval_ms
        self.name = name
        self.prefix = prefix
        self.tags = tags
        self.shape = shape
        self.status = "starting"
        self.failures = 0
        self.latest_ms = 0
        self.due = 0  # ticks of the next thing to do
        self.slot = 0  # ticks at which the measurement was, or will be, due
        self._sample = None  # a measurement under way
        self._readings = []

    def tick(self, px):
        """Go on with it if it is time; returns the ms until there is more to do."""
        left_ms = ticks_diff(self.due, px.ticks_ms())
        if left_ms > 0:
            return left_ms
        if self.status != "starting":
            self.latest_ms = max(self.latest_ms, -left_ms)
        try:
            wait_ms = self._measure(px)
            if wait_ms is None:
                self._send(px)
        except Exception as error:  # noqa: BLE001 -- of whoever wrote the sensor's driver
            self._sample = None
            now = px.ticks_ms()
            self.failures += 1
            self._tell(px, ("%s: %s" % (type(error).__name__, error))[:_WORDS])
            # Twice as long after each failure, up to a minute.
            wait_ms = self.interval_ms << min(self.failures, 16)
            wait_ms = min(wait_ms, max(self.interval_ms, _BACKOFF_MS))
            self.due = self.slot = ticks_add(now, wait_ms)
            return wait_ms
        now = px.ticks_ms()
        if wait_ms is None:
            self.failures = 0
            self._tell(px, "ok")
            # In step with the first measurement; what could not be in time is left out.
            late_ms = ticks_diff(now, self.slot)
            self.slot = ticks_add(self.slot, (late_ms // self.interval_ms + 1) * self.interval_ms)
            self.due = self.slot
        else:
            # Ticks are whole ms, of which this one has begun: one more, or it would be too short.
            self.due = ticks_add(now, wait_ms + 1)
        return max(ticks_diff(self.due, now), 0)

    def _measure(self, px):
        # Goes on till the sensor wants to wait: then so many ms; None when it is done.
        if self._sample is None:
            self._readings.clear()
            sensor = self.sensor
            sample = sensor.sample() if isinstance(sensor, Driver) else sensor.read()
            if sample is None:
                sample = ()
            elif isinstance(sample, dict):
                sample = sample.items()
            self._sample = iter(sample)
        for item in self._sample:
            if isinstance(item, int):
                _check("a number alone is a wait in ms", item, 0, _LONGEST_MS)
                return item
            if len(item) > 3:
                metric, value, tags, age_ms = item
                _check("the age of %s in ms" % metric, age_ms, 0, _OLDEST_MS)
                item = metric, value, tags, ticks_add(px.ticks_ms(), -age_ms)
            self._readings.append(item)
        self._sample = None

    def _send(self, px):
        # A reading's fourth item is by now the ticks of its time.
        readings = self._readings
        if self.shape is not None:
            readings = self.shape.shaped(readings, px.ticks_ms())
        plain = []
        for reading in readings:
            metric = self.prefix + reading[0]
            if len(reading) == 2:
                plain.append((metric, reading[1]))
                continue
            if plain:
                px.send_batch(plain, tags=self.tags)
                plain.clear()
            tags = self.tags
            if reading[2]:
                tags = dict(tags or ())
                tags.update(reading[2])
            if len(reading) > 3 and hasattr(px, "send_at"):
                px.send_at(reading[3], metric, reading[1], tags=tags)
            else:
                px.send(metric, reading[1], tags=tags)
        if plain:
            px.send_batch(plain, tags=self.tags)
        self._readings.clear()

    def _tell(self, px, status):
        before = self.status
        self.status = status
        # Once when it goes wrong, once when it is well again: the words may differ each time.
        if (status == "ok") == (before in ("ok", "starting")):
            return
        named = self.prefix.endswith(self.name + ".")
        metric = self.prefix + ("status" if named else self.name + ".status")
        try:
            px.send(metric, status, tags=self.tags)
        except Exception as error:  # noqa: BLE001 -- its name or its tags are what is wrong
            self.status = "%s: %s" % (type(error).__name__, error)


def _name_of(sensor):
    name = type(sensor).__name__.lower()
    address = getattr(sensor, "address", None)
    usual = getattr(sensor, "ADDRESSES", None)
    if usual and isinstance(address, int) and address not in usual[:1]:
        name += "_%02x" % address
    return name


def _check(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError("%s: %r; give a whole number from %d to %d" % (name, value, least, most))
