"""ams TSL2591: illuminance, by a photodiode for all light and one for infrared.

Datasheet TSL2591, v2-04, "Register Description". It has no formula for lux; this one, with the
device factor of 408, is that which ams gave to the makers of breakout boards.
"""

from ..port import const
from .i2c import I2CDriver

# Registers, with the command bits for normal operation.
_ENABLE = const(0xA0)
_CONTROL = const(0xA1)
_PACKAGE = const(0xB1)  # and, behind it, the id
_STATUS = const(0xB3)
_DATA = const(0xB4)
_ON = const(0x03)  # power and ADC
_VALID = const(0x01)
_FEW = const(1000)  # counts: a higher gain fits in any case


class TSL2591(I2CDriver):
    """Yields illuminance (lx); a read is one measurement, between which the chip is off.

    gain: 1, 25, 428 or 9876; None finds the one that suits, in up to four measurements.
    integration_ms: 100, 200, 300, 400, 500 or 600.
    """

    ADDRESSES = (0x29,)
    METRICS = {"illuminance": "lx"}
    # All counts at the lowest gain and the shortest time: 36863 * 4.08.
    RANGES = ("illuminance", 0, 150402)
    INTERVAL_MS = 2000
    GAINS = (1, 25, 428, 9876)

    def __init__(self, bus, address=None, gain=None, integration_ms=100, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._automatic = gain is None
        self._gain = 1 if gain is None else choice("gain", gain, self.GAINS + (None,))
        self._steps = 1 + choice("integration_ms", integration_ms, (100, 200, 300, 400, 500, 600))

    def chip(self):
        # The id, and bits that are reserved, which another chip at its address is not likely to
        # have all.
        package, identity = self.get(_PACKAGE, 2)
        enable, control = self.get(_ENABLE, 2)
        if identity != 0x50 or package & 0x30 or enable & 0x2C or control & 0x48:
            return None
        return "TSL2591"

    def measure(self):
        for _ in self.GAINS:
            broadband, infrared = yield from self._counts()
            brightest = max(broadband, infrared)
            # At 100 ms the converter ends at 36863 counts.
            saturated = brightest >= (36863 if self._steps == 1 else 65535)
            if saturated and self._automatic and self._gain:
                self._gain -= 1
            elif brightest < _FEW and self._automatic and self._gain < 3:
                self._gain += 1
            else:
                break
        if saturated:
            raise self.error("too bright; give it a lower gain or integration_ms")
        # The better of two fits, for light with little and with much infrared; below 0 there is
        # none but infrared. Integers of at most 32 bits, so that one division rounds.
        light = max(100 * broadband - 164 * infrared, 59 * broadband - 86 * infrared, 0)
        divisor = 10000 * self._steps * self.GAINS[self._used]
        yield "illuminance", round(light * 408 / divisor, 4)

    def _counts(self):
        self._used = self._gain
        self.set(_ENABLE, 1)  # so that what it has of before is no longer valid
        self.set(_CONTROL, self._used << 4 | self._steps - 1)
        self.set(_ENABLE, _ON)
        # 101 ms a step typically; the status tells if it took longer yet.
        yield 120 * self._steps
        if not self.get(_STATUS)[0] & _VALID:
            raise self.error("the measurement does not end")
        data = self.get(_DATA, 4)
        self.set(_ENABLE, 0)
        return data[0] | data[1] << 8, data[2] | data[3] << 8
