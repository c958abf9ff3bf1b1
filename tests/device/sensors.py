"""What the tests of sensors share: a driver with a simulated chip on a bus, and its time."""

import gc
import sys

from models.bus import I2C


class Rig:
    """A driver with its chip. Waits take no time: they advance the bus's clock."""

    def __init__(self, bus, chip, driver):
        self.bus = bus
        self.chip = chip
        self.driver = driver

    def sample(self):
        """The readings of one measurement, tuples."""
        readings = []
        module = sys.modules[type(self.driver).__module__]
        ticks_ms = getattr(module, "ticks_ms", None)
        if ticks_ms:
            module.ticks_ms = self._ticks_ms
        try:
            for item in self.driver.sample():
                if isinstance(item, int):
                    self.bus.clock.advance(item)
                else:
                    readings.append(item)
        finally:
            if ticks_ms:
                module.ticks_ms = ticks_ms
        return readings

    def _ticks_ms(self):
        # A driver that looks at the time itself lives in the bus's.
        return int(self.bus.clock.now_ms)

    def values(self):
        """The values of one measurement by metric."""
        return {reading[0]: reading[1] for reading in self.sample()}


def i2c_rig(driver_class, chip, address=None, **options):
    """A driver and its chip (a model) on an I2C bus of their own; options are the driver's."""
    bus = I2C()
    driver = driver_class(bus, address, **options)
    bus.attach(chip, driver.address)
    return Rig(bus, chip, driver)


def close(got, expected, within):
    """Assert that numbers, or dicts of them, differ by no more than so much."""
    __tracebackhide__ = True
    if isinstance(expected, dict):
        if sorted(got) != sorted(expected):
            raise AssertionError("got {!r}\nexpected {!r}".format(got, expected))
        for name in expected:
            close(got[name], expected[name], within)
    elif not abs(got - expected) <= within:
        raise AssertionError("got {!r}\nexpected {!r} within {}".format(got, expected, within))


def every_i2c_driver():
    """(name, driver class, Model) of each driver that a scan can find."""
    from plexus.sensors import driver_class
    from plexus.sensors.sampling.find import driver_names

    if hasattr(gc, "freeze"):
        gc.freeze()  # the drivers collect when they are loaded: not the whole of pytest, then
    for name in driver_names():
        models = __import__("models." + name, None, None, ("Model",))
        yield name, driver_class(name), models.Model
    if hasattr(gc, "unfreeze"):
        gc.unfreeze()
