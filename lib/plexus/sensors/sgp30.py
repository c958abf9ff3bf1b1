"""Sensirion SGP30: equivalent CO2 and volatile organic compounds, estimated from gas sensors.

Datasheet SGP30: "Air Quality Signals", "Feature Set" and the table of measurement commands.
"""

from ..port import const
from .driver import SensorError
from .sensirion import Sensirion

_INIT = const(0x2003)
_MEASURE = const(0x2008)
_GET_BASELINE = const(0x2015)
_SET_BASELINE = const(0x201E)
_FEATURE_SET = const(0x202F)
_WARM_UP_S = const(15)
_EARLY = const(12 * 3600)  # measurements until a baseline is worth keeping: 12 h
_HOURLY = const(3600)


class SGP30(Sensirion):
    """Yields eco2 (ppm) and tvoc (ppb). It is to be read every second, for its baseline's sake.

    The first 15 s after power-on, in which the chip gives nothing but 400 and 0, are part of the
    first read.

    baseline: where the chip's idea of clean air was, two whole numbers as the attribute `baseline`
    had them. The attribute is None for the first 12 h, and then renewed every hour; what is
    there is given back to a chip that lost its power; one that has kept it goes on learning, also
    after an error. Store it, and use it within a week.
    """

    ADDRESSES = (0x58,)
    METRICS = {"eco2": "ppm", "tvoc": "ppb"}
    # Section 1.1, "Air Quality Signals": the output range.
    RANGES = (
        "eco2", 400, 60000,
        "tvoc", 0, 60000,
    )  # fmt: skip

    def __init__(self, bus, address=None, baseline=None, any_id=False):
        from .checks import check_whole

        super().__init__(bus, address, any_id)
        if baseline is not None:
            if not isinstance(baseline, (tuple, list)) or len(baseline) != 2:
                raise ValueError("baseline: %r; give two numbers, as the driver had" % (baseline,))
            for word in baseline:
                check_whole("baseline", word, 1, 0xFFFF)
            baseline = tuple(baseline)
        self.baseline = baseline
        self._warm = False

    def chip(self):
        # The highest bits are the type of the product, 0 for the SGP30.
        features = self.ask_at_once(_FEATURE_SET, 1, 10)[0]
        return None if features >> 12 or not features & 0xFF else "SGP30"

    def setup(self):
        if self._warm:
            # After an error; to start it again would cost it all that it has learnt.
            try:
                words = yield from self.ask(_GET_BASELINE, 2, 10)
            except SensorError:
                words = (0,)
            if all(words):
                return
        self._warm = False
        self.command(_INIT)
        yield 10
        self._left = _EARLY
        if self.baseline is not None:
            eco2, tvoc = self.baseline
            self.command(_SET_BASELINE, tvoc, eco2)  # in the other order than it is read in
            yield 10
            self._left = _HOURLY
        for _ in range(_WARM_UP_S):
            yield from self.ask(_MEASURE, 2, 12)
            yield 988
        self._warm = True

    def measure(self):
        eco2, tvoc = yield from self.ask(_MEASURE, 2, 12)
        if not 400 <= eco2 <= 60000 or tvoc > 60000:
            raise self.error("it gives no valid measurement")
        self._left -= 1
        if self._left <= 0:
            self._left = _HOURLY
            words = yield from self.ask(_GET_BASELINE, 2, 10)
            if all(words):
                self.baseline = tuple(words)
        yield "eco2", eco2
        yield "tvoc", tvoc
