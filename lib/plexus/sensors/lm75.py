"""The LM75 and its many kin (LM75A, LM75B, PCT2075, TMP75, ...): temperature.

Datasheets NXP LM75B, revision 6.1, section 7.4; TI TMP75, SBOS288, for the resolution.
"""

from ..port import const
from .i2c import I2CDriver, signed

_TEMPERATURE = const(0)
_CONFIG = const(1)
_HYSTERESIS = const(2)
_LIMIT = const(3)


class LM75(I2CDriver):
    """Yields temperature (°C); a read is the chip's latest measurement.

    bits: how many the chip has: 9 (LM75), 11 (LM75A, LM75B, PCT2075) or 12 (TMP75, TMP175, TMP275,
    which are set to measure so finely). A PCT2075 may have still other addresses than ADDRESSES.

    It has no id. One with the limits that it has at power-on (80 °C and 75 °C) is recognised;
    with others it can be used, but is not found by a scan.
    """

    ADDRESSES = (0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x37)
    METRICS = {"temperature": "°C"}
    # NXP LM75B, table 10. A PCT2075 goes on from 127.875 to -128.
    RANGES = ("temperature", -55, 127)

    def __init__(self, bus, address=None, bits=11):
        from .checks import choice

        super().__init__(bus, address)
        self._bits = (9, 11, 12)[choice("bits", bits, (9, 11, 12))]

    def chip(self):
        # Two bytes each, as a read of one may leave an LM75 with SDA held low. What follows the
        # nine bits is undefined in an LM75.
        for register, celsius in ((_HYSTERESIS, 75), (_LIMIT, 80)):
            high, low = self.get(register, 2)
            if high != celsius or low & 0x80:
                return None
        return "LM75"

    def verify(self):
        """Nothing: its limits are the user's to change."""

    def setup(self):
        # In continuous measurement; what the output does stays as it is. The two bits of the
        # resolution are reserved, and 0, in all but the TMP75 and its like.
        config = self.get(_CONFIG)[0] & 0x1E
        self.set(_CONFIG, config | 0x60 if self._bits == 12 else config)
        yield 300  # the slowest, a TMP75 with 12 bits

    def measure(self):
        high, low = self.get(_TEMPERATURE, 2)
        raw = signed(high << 8 | low, 16) >> (16 - self._bits)
        celsius = raw / (1 << self._bits - 8)
        yield "temperature", celsius
