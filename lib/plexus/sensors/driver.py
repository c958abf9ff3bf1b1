"""What every sensor driver has: set-up, measurement, read(), and the checks of its options."""

from .._port import sleep_ms


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
    # Metrics whose mean says nothing, such as a direction's: 359° and 1° are not 180°.
    NO_MEAN = ()
    INTERVAL_MS = 1000  # how often to read unless told otherwise

    ready = False

    def verify(self):
        """SensorError unless it is the right chip. Changes nothing in it."""

    def setup(self):
        """Bring the chip from its state at power-on to that in which it measures."""

    def measure(self):
        """Yield ms to wait, and the readings of one measurement."""
        raise NotImplementedError

    def sample(self):
        """One measurement after what must come before it: yields as `measure()` does."""
        # Not ready unless it came to its end: what failed, or was let go of, is set up again.
        ready = self.ready
        self.ready = False
        if not ready:
            self.verify()
            yield from self.setup() or ()
        yield from self.measure()
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


def choice(option, value, choices):
    """The index of an option's value among the choices; else a ValueError that names them."""
    # True is equal to 1, and is not meant by it.
    if isinstance(value, bool) or value not in choices:
        names = ", ".join([repr(each) for each in choices[:-1]])
        raise ValueError("%s: %r; give %s or %r" % (option, value, names, choices[-1]))
    return choices.index(value)


def some(option, values, choices):
    """The indices of an option's values, a list or tuple of one or more of the choices."""
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError("%s: %r; give a list of some of %s" % (option, values, choices))
    found = [choice(option, value, choices) for value in values]
    if len(set(found)) < len(found):
        raise ValueError("%s: %r; give each once" % (option, values))
    return found


def check_flag(option, value):
    """ValueError, naming the option, unless its value is True or False."""
    if not isinstance(value, bool):
        raise ValueError("%s: %r; give True or False" % (option, value))


def check_number(option, value, least=-1000000000, most=1000000000):
    """ValueError, naming the option, unless its value is a number, finite, in this range."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (good and least <= value <= most):  # which NaN is not
        raise ValueError("%s: %r; give a number from %s to %s" % (option, value, least, most))


def check_whole(option, value, least, most):
    """The same for an int."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError("%s: %r; give a whole number from %d to %d" % (option, value, least, most))
