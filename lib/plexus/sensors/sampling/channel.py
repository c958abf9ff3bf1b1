"""One sensor's schedule: when it is read, to whom what it gives goes, and how it does."""

from ...port import const, ticks_add, ticks_diff
from ..driver import Driver, sifted

_LONGEST_MS = const(86400000)
_MIN_MS = const(10)
_OLDEST_MS = const(0x1FFFFFFF)  # which ticks can tell
_BACKOFF_MS = const(60000)
_CONVERSION_MS = const(1000)  # few take longer
_MAX_MESSAGE = const(200)
_METRICS = const(32)  # so many at most are kept of a sensor that has no METRICS


class Channel:
    """What Sampler.add() returns: a sensor, and what became of it.

    sensor, interval_ms, name, prefix, tags, filters, on_demand, factory: as Sampler.add() was given
    or has made them. options: those that `configure()` has given to the factory.
    min_interval_ms: the shortest interval that `configure()` sets: 10 ms, or the one given if that
    is shorter.
    client: to whom the readings go; None: it is not read.
    metrics: those that it sends, with its prefix, a list of at most 32; of a sensor of one's own
    without METRICS, once it has sent them. description: what is read and where, for a person:
    "BME280 at 0x76".
    status: "ok", or what is wrong; "starting" before the first reading, "idle" without a client.
    A value that cannot be is left out, and is wrong; the others go, and the rate stays.
    failures: how many in a row. max_lateness_ms: the latest that a step of it ever came, because
    the program was busy with other things.

    If it begins to fail, and when it is well again, that is sent as a reading
    `<prefix><name>.status` of the same words; under a prefix that ends in the name and a point it
    is `<prefix>status`.
    """

    def __init__(self, sensor, interval_ms, name, prefix, tags, filters, on_demand, factory):
        self.sensor = sensor
        self.interval_ms = interval_ms
        self.min_interval_ms = min(interval_ms, _MIN_MS)
        self.name = name
        self.prefix = prefix
        self.tags = tags
        self.filters = filters
        self.on_demand = on_demand
        self.factory = factory
        self.options = None
        self.client = None
        self.status = "idle"
        self.failures = 0
        self.problem = None
        self.max_lateness_ms = 0
        self.due = 0  # ticks of the next thing to do
        self.slot = 0  # ticks at which the measurement was, or will be, due
        self._begun = 0  # ticks at which the last measurement began
        self._sample = None  # a measurement under way
        self._readings = []
        self._failed = False  # the client was told that it fails, and not yet that it is well
        self._seen = None  # the metrics of a sensor that has no METRICS

    def __getattr__(self, name):
        # What a dashboard asks for, and few programs do.
        if name == "metrics":
            from .describe import metrics

            return metrics(self)
        if name == "description":
            from .describe import description

            return description(self)
        raise AttributeError(name)

    def wake(self, client):
        """Send to this client from now on, and read at once if nobody was sent to before.

        None: it is read no more. A measurement under way goes to the new client.
        """
        before, self.client = self.client, client
        if client is None:
            self.failures = 0
            self.status = "idle"
        elif before is None:
            self.restart()

    def restart(self, sensor=None):
        """Begin anew, with this sensor if one is given; the one before is then closed.

        A measurement under way is dropped. What it waits for is waited for, at most a second: a
        chip that is converting might refuse what it is told.
        """
        under_way = self._sample is not None
        self._sample = None
        self._readings.clear()
        if self.filters is not None:
            self.filters.reset()
        if self.client is not None:
            self.failures = 0
            self.status = "starting"
            now = self.client.ticks_ms()
            rest_ms = ticks_diff(self.due, now) if under_way else 0
            self.due = self.slot = ticks_add(now, min(max(rest_ms, 0), _CONVERSION_MS))
        if sensor is not None:
            before, self.sensor = self.sensor, sensor
            try:
                if hasattr(before, "close"):
                    before.close()
            except Exception:  # noqa: BLE001, S110 -- of whoever wrote its driver; it is gone
                pass

    def tick(self, px):
        """Go on with it if it is time; returns the ms until there is more to do."""
        left_ms = ticks_diff(self.due, px.ticks_ms())
        if left_ms > 0:
            return left_ms
        if self.status != "starting":
            self.max_lateness_ms = max(self.max_lateness_ms, -left_ms)
        wait_ms = 0
        try:
            wait_ms = self._measure(px)
            if wait_ms is None:
                self._send(px)
        except Exception as error:  # noqa: BLE001 -- of whoever wrote the sensor's driver
            self._sample = None
            if wait_ms is None and self.filters is not None:
                self.filters.reset()  # what a deadband takes for sent was not
            now = px.ticks_ms()
            self.failures += 1
            self._tell(px, _text(error))
            # Twice as long after each failure, up to a minute.
            wait_ms = self.interval_ms << min(self.failures, 16)
            wait_ms = min(wait_ms, max(self.interval_ms, _BACKOFF_MS))
            self.due = self.slot = ticks_add(now, wait_ms)
            return wait_ms
        now = px.ticks_ms()
        if wait_ms is None:
            self.failures = 0
            sensor = self.sensor
            problem = sensor.problem if isinstance(sensor, Driver) else self.problem
            self._tell(px, _text(problem) if problem else "ok")
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
            self._begun = px.ticks_ms()
            self._readings.clear()
            sensor = self.sensor
            if isinstance(sensor, Driver):
                self._sample = sensor.sample()
            else:
                items = sensor.read()
                self._sample = sifted(
                    self, items.items() if isinstance(items, dict) else items or ()
                )
        for item in self._sample:
            if isinstance(item, int):
                if not 0 <= item <= _LONGEST_MS:
                    raise ValueError("a number alone is a wait in ms: %r; give 0 or more" % (item,))
                return item
            if len(item) > 3:
                metric, value, tags, age_ms = item
                if not isinstance(age_ms, int) or not 0 <= age_ms <= _OLDEST_MS:
                    raise ValueError("the age of %s in ms: %r; give 0 or more" % (metric, age_ms))
                item = metric, value, tags, ticks_add(px.ticks_ms(), -age_ms)
            self._readings.append(item)
        self._sample = None

    def _send(self, px):
        # A reading's fourth item is by now the ticks of its time.
        readings = self._readings
        if self.filters is not None:
            readings = self.filters.shaped(readings, px.ticks_ms())
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
        if not getattr(self.sensor, "METRICS", None):
            self._learn(readings)
        self._readings.clear()

    def _learn(self, readings):
        if self._seen is None:
            self._seen = []
        for reading in readings:
            if reading[0] not in self._seen and len(self._seen) < _METRICS:
                self._seen.append(reading[0])

    def _tell(self, px, status):
        before = self.status
        self.status = status
        # Once when it goes wrong, once when it is well again: the words may differ each time.
        if status == "ok":
            if not self._failed:
                return
        elif before not in ("ok", "starting"):
            return
        try:
            named = self.prefix.endswith(self.name + ".")
            metric = self.prefix + ("status" if named else self.name + ".status")
            px.send(metric, status, tags=self.tags)
            self._failed = status != "ok"
        except Exception as error:  # noqa: BLE001 -- its name or its tags are what is wrong
            self.status = _text(error)


def _text(error):
    name = type(error).__name__
    try:
        return ("%s: %s" % (name, error))[:_MAX_MESSAGE]
    except Exception:  # noqa: BLE001 -- of whoever wrote it, or no memory for its text
        return name
