"""What every sensor driver has: set-up, measurement, read(), and the checks of its options."""

from ..port import load, sleep_ms


class SensorError(OSError):
    """A sensor does not answer, or not as the chip should: the message says what and where."""


class Driver:
    """The base of the drivers. One of your own needs only a `read()` and may do without it.

    A driver writes `measure()`, and `setup()` if the chip needs one. Both may be generators, and
    then yield the ms to wait until the chip is ready (int) where others would sleep; `measure()`
    yields besides its readings: `(metric, value)`, `(metric, value, tags)`, or, of what happened
    before now, `(metric, value, tags or None, its age in ms)`. So the same lines serve a program
    that waits and one that does other things meanwhile.

    The constructor touches no bus: a sensor may be plugged in later. What fails raises OSError
    (SensorError is one), and the next measurement begins with `setup()` again, as a chip that was
    unplugged has forgotten it all.
    """

    # What the constructor's first argument is: "i2c", "spi", "uart", or for "onewire" and "pin" a
    # machine.Pin. "pins": Pins as keywords.
    BUS = None
    METRICS = {}  # metric: its unit, "" if it has none
    # What it can measure, by its datasheet: a metric, its lowest value and its highest, the next
    # metric and so on. A bound holds for each number of an object. What is not named has none.
    RANGES = ()
    # Metrics whose mean says nothing, such as a direction's: 359° and 1° are not 180°.
    NO_MEAN = ()
    INTERVAL_MS = 1000  # how often to read unless told otherwise

    ready = False
    problem = None  # a SensorError about what was left out of the last measurement

    def verify(self):
        """SensorError unless it is the right chip. Changes nothing in it."""

    def setup(self):
        """Bring the chip from its state at power-on to that in which it measures."""

    def measure(self):
        """Yield ms to wait, and the readings of one measurement."""
        raise NotImplementedError

    def sample(self):
        """One measurement after what must come before it: yields as `measure()` does.

        What is beyond RANGES is left out, and `problem` says so. It is raised if there is no other.
        """
        # Not ready unless it came to its end: what failed, or was let go of, is set up again.
        ready = self.ready
        self.ready = False
        if not ready:
            self.verify()
            yield from self.setup() or ()
        good = yield from sifted(self, self.measure())
        if not good and self.problem:
            raise self.problem
        self.ready = True

    def read(self):
        """The readings of one measurement, a list; waits as long as the chip needs."""
        readings = []
        for item in self.sample():
            if isinstance(item, int):
                sleep_ms(item + 1)  # counted in whole ms, the last of which may be short
            else:
                readings.append(item)
        return readings

    def close(self):
        """Let go of interrupts and the like, if the driver has any."""


def sifted(self, items):
    """A generator: yields what can be of a sensor's items, returns whether that was a reading.

    `self.problem` is then a SensorError about what cannot be, None if all can. Its RANGES, if it
    has any, bound them: see Driver.
    """
    self.problem = None
    ranges = getattr(self, "RANGES", ())
    good = False
    for item in items:
        if not isinstance(item, int):
            metric, value = item[:2]
            try:
                if metric in ranges:
                    i = ranges.index(metric)
                    _, low, high = ranges[i : i + 3]  # pyright: ignore[reportAssignmentType]
                    for number in value.values() if isinstance(value, dict) else (value,):
                        if not low <= float(number) <= high:  # which NaN is not
                            raise ValueError("%s is not from %s to %s" % (number, low, high))
                else:
                    record = load("plexus", "readings.record")
                    if record.kind_of(value) == record.TEXT:
                        record.json_text(value)
            except (TypeError, ValueError) as error:
                self.problem = SensorError("%s: %s" % (metric, error))
                continue
            good = True
        yield item
    return good
