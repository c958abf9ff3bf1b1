"""Avia HX711: a 24-bit converter for load cells.

Datasheet of the HX711 (Avia Semiconductor), "Output Data Rate and Format", "Serial Interface" and
"Reset and Power-Down", for whose times it gives typical values only.
"""

from ..port import const
from .driver import Driver, SensorError
from .i2c import signed

_TRIES = const(20)  # a tenth of a conversion apart: twice the typical time
_SETTLING = const(4)  # conversions until the output is right after a reset or change of gain
_PULSES = {128: 25, 32: 26, 64: 27}  # they select the gain of the next conversion


class HX711(Driver):
    """Yields weight: (reading - tare) * scale, in the unit that the scale gives.

    data, clock: machine.Pin objects, wired to DOUT and PD_SCK.
    gain: 128 or 64 for channel A, 32 for channel B.
    rate_hz: 10 or 80, as the chip's pin RATE is wired (10 on most boards).
    tare: the reading with no load; scale: unit per count, that is a known weight over how much it
    changes the reading. With neither the weight is the reading, for finding both.

    With a gain other than 128, the first weight after an unnoticed loss of the chip's power is
    of gain 128: the chip does not tell.
    """

    BUS = "pins"
    METRICS = {"weight": ""}

    def __init__(self, data, clock, gain=128, rate_hz=10, tare=0, scale=1):
        from .checks import check_number, choice

        gain = (128, 64, 32)[choice("gain", gain, (128, 64, 32))]
        rate_hz = (10, 80)[choice("rate_hz", rate_hz, (10, 80))]
        check_number("tare", tare, -0x800000, 0x7FFFFF)
        check_number("scale", scale)
        self.data = data
        self.clock = clock
        self._gain = gain
        self._step_ms = 100 // rate_hz + 1
        self._settling_ms = _SETTLING * 1000 // rate_hz
        # "Output Data Rate and Format": 24 bits in two's complement.
        ends = ((-0x800000 - tare) * scale, (0x7FFFFF - tare) * scale)
        self.RANGES = ("weight", min(ends), max(ends))
        self._tare = tare
        self._scale = scale

    def setup(self):
        data, clock = self.data, self.clock
        data.init(data.IN, data.PULL_UP)  # a chip that is missing is never ready
        # The clock high for more than 60 us, then low, is a reset to a gain of 128.
        clock.init(clock.OUT, value=1)
        yield 1
        clock(0)
        yield self._settling_ms
        if self._gain != 128:
            yield from self._conversion()
            yield self._settling_ms

    def measure(self):
        raw = yield from self._conversion()
        if raw in (0x7FFFFF, -0x800000):
            raise self._error("the load is beyond its range")
        # 24 bits and a sign: a float with 24 bits has them all.
        yield "weight", (raw - self._tare) * self._scale

    def _conversion(self):
        # Waits for the end of one; returns it, a signed number.
        for _ in range(_TRIES):
            if not self.data():
                return signed(self._shifted(), 24)
            yield self._step_ms
        raise self._error("no conversion ends; is it connected?")

    def _shifted(self):
        try:
            from machine import disable_irq, enable_irq
        except ImportError:
            raise self._error("this port cannot turn interrupts off")
        data, clock = self.data, self.clock
        raw = 0
        pulses = _PULSES[self._gain]
        for _ in range(pulses):
            # A pulse of 60 us would be a reset; between pulses there is time.
            interrupts = disable_irq()
            clock(1)
            clock(0)
            enable_irq(interrupts)
            raw = raw << 1 | data()
        if not data():  # which the 25th pulse raises
            raise self._error("it does not take the clock")
        return raw >> (pulses - 24)

    def _error(self, message):
        return SensorError("%s: %s" % (self.data, message))
