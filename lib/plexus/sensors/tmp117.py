"""Texas Instruments TMP117 and TMP119: temperature.

TMP117 datasheet SNOSD82, revision D. Registers: section 7.6.
"""

from ..port import const
from .i2c import I2CDriver, signed

_TEMPERATURE = const(0)
_CONFIG = const(1)
_DEVICE = const(15)
_ONE_SHOT = const(0x0C)  # of the high byte, as is the next
_DATA_READY = const(0x20)
_AVERAGING = (1, 8, 32, 64)
_NOTHING_YET = const(-0x8000)  # what it reads from its reset to the end of the first conversion


class TMP117(I2CDriver):
    """Yields temperature (°C); a read is one measurement, between them the chip sleeps.

    averaging: the mean of 1, 8, 32 or 64 conversions of 18 ms each.
    """

    ADDRESSES = (0x48, 0x49, 0x4A, 0x4B)
    METRICS = {"temperature": "°C"}
    # Section 1: -55 to 150 °C.
    RANGES = ("temperature", -55, 150)

    def __init__(self, bus, address=None, averaging=8, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._averaging = _AVERAGING[choice("averaging", averaging, _AVERAGING)]

    def chip(self):
        high, low = self.get(_DEVICE, 2)
        if high & 15 == 1 and low == 0x17:
            return "TMP119" if high >> 4 == 2 else "TMP117"  # above the id is the revision

    def measure(self):
        self.set(_CONFIG, _ONE_SHOT, _AVERAGING.index(self._averaging) << 5)
        yield 18 * self._averaging  # at most 17.5 ms a conversion
        if not self.get(_CONFIG, 2)[0] & _DATA_READY:
            raise self.error("the measurement does not end")
        high, low = self.get(_TEMPERATURE, 2)
        raw = signed(high << 8 | low, 16)
        if raw == _NOTHING_YET:
            raise self.error("nothing was measured")
        # 16 bits fit a float of 24; a step is 0.0078 °C.
        yield "temperature", round(raw / 128, 3)
