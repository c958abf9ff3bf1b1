"""How a sensor of a board was made, so that it can be made again with other options."""

_WIRED = ("address", "bus", "pin", "pins", "battery")  # which no dashboard is to change


class DriverFactory:
    """factory(**changed) makes a sensor; nothing of the one before is touched.

    driver: its class. arguments: a tuple, its bus or its pin. options: its keywords, or None.
    wired: names of those options that say how it is connected, which do not change.
    """

    # It is not part of board.py, nor of entry.py: their code would stay in RAM along with it.

    def __init__(self, driver, arguments=(), options=None, wired=()):
        self._driver = driver
        self._arguments = arguments
        self._options = options
        self._wired = wired

    def __call__(self, **changed):
        """ValueError, naming the option, or TypeError if the driver has none of that name."""
        for name in changed:
            if name in self._wired or name in _WIRED:
                raise ValueError("%s: wiring; change it in the device's configuration" % name)
        options = dict(self._options or ())
        options.update(changed)
        return self._driver(*self._arguments, **options)
