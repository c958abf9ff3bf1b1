"""Maxim MAX17048 and MAX17043: voltage and state of charge of a lithium cell.

Datasheets 19-6171 (MAX17048/MAX17049, revision 7) and 19-4811 (MAX17043/MAX17044), "Registers".
"""

from ..port import const
from .i2c import I2CDriver, signed

_VOLTAGE = const(0x02)
_CHARGE = const(0x04)  # 1/256 %
_VERSION = const(0x08)
_CONFIG = const(0x0C)
_RATE = const(0x16)  # 0.208 %/h
_SLEEP = const(0x80)


class MAX17048(I2CDriver):
    """Yields voltage (V), charge (%, may pass 100 a little) and charge_rate (%/h, < 0: discharge).

    The MAX17043 has no charge_rate. cells: 2 for a MAX17049 or MAX17044, which measure two in a row
    and cannot be told from the others.
    """

    ADDRESSES = (0x36,)
    METRICS = {"voltage": "V", "charge": "%", "charge_rate": "%/h"}
    # 19-4811, "VCELL Register": 0 to 5 V, or to 10 V of two cells. The datasheets bound neither
    # charge nor charge_rate: these are the ends of their registers, but for 0xFFFF of the charge.
    RANGES = (
        "voltage", 0, 10,
        "charge", 0, 255,
        "charge_rate", -6816, 6816,
    )  # fmt: skip
    INTERVAL_MS = 60000

    def __init__(self, bus, address=None, cells=1, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._cells = 1 + choice("cells", cells, (1, 2))
        if cells == 1:
            self.RANGES = ("voltage", 0, 5) + self.RANGES[3:]

    def chip(self):
        version = self._word(_VERSION)
        if version & 0xFFF0 == 0x0010:
            return "MAX17048"
        return "MAX17043" if 0 < version < 16 else None  # a production version, 3 as they are sold

    def setup(self):
        self._has_rate = self.chip() == "MAX17048"
        rcomp, flags = self.get(_CONFIG, 2)
        if flags & _SLEEP:
            self.set(_CONFIG, rcomp, flags & ~_SLEEP)
        # The first values: 125 to 192 ms after power-on, 500 ms after sleep.
        yield 500

    def measure(self):
        if self.get(_CONFIG, 2)[1] & _SLEEP:
            raise self.error("it sleeps")
        # 78.125 uV; the MAX17043's 1.25 mV in the upper 12 bits is the same, its lower 4 read 0.
        voltage = self._word(_VOLTAGE)
        if not voltage:
            raise self.error("it has measured no voltage; is there a cell?")
        charge = self._word(_CHARGE)
        rate = signed(self._word(_RATE), 16) if self._has_rate else None
        # To the nearest 0.1 mV, the chip's resolution, which a float of 24 bits can hold.
        yield "voltage", (voltage * self._cells * 100 + 64) // 128 / 10000
        yield "charge", round(charge / 256, 2)
        if rate is not None:
            yield "charge_rate", rate * 208 / 1000

    def _word(self, register):
        data = self.get(register, 2)
        return data[0] << 8 | data[1]
