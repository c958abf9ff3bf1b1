"""Honeywell HMC5883L: magnetic field. A QMC5883L in its place answers at 0x0D instead.

Datasheet HMC5883L (900405): gain settings (configuration register B), register descriptions.
The magnetometer of an LSM303DLHC shows the same id and address, but has other gains.
"""

from struct import unpack

from ..port import const
from .i2c import I2CDriver

_CONFIG = const(0x00)
_MODE = const(0x02)
_DATA = const(0x03)
_STATUS = const(0x09)
_ID = const(0x0A)
_READY = const(0x01)
_OVERFLOW = const(-4096)

_RANGES = (88, 130, 190, 250, 400, 470, 560, 810)
_PER_GAUSS = (1370, 1090, 820, 660, 440, 390, 330, 230)


class HMC5883L(I2CDriver):
    """Yields the magnetic field (µT); a read is one measurement.

    field_range: 88, 130, 190, 250, 400, 470, 560 or 810 µT; what lies beyond is an error.
    """

    ADDRESSES = (0x1E,)
    METRICS = {"magnetic_field": "µT"}
    # Counts of 12 bits at 230 LSB/gauss, the largest field_range.
    RANGES = ("magnetic_field", -891, 891)

    def __init__(self, bus, address=None, field_range=130, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._range = choice("field_range", field_range, _RANGES)

    def chip(self):
        return "HMC5883L" if self.get(_ID, 3) == b"H43" else None

    def measure(self):
        config = bytes((0x10, self._range << 5))  # one sample a value
        if self.get(_CONFIG, 2) != config:
            self.set(_CONFIG, *config)
            # The first measurement after a change of the gain has still the old one.
            yield from self._measured()
        x, z, y = yield from self._measured()
        if _OVERFLOW in (x, y, z):
            raise self.error("beyond field_range")
        # 12 bits, which single precision holds; 1 gauss is 100 µT.
        scale = 100 / _PER_GAUSS[self._range]
        x, y, z = [round(value * scale, 2) for value in (x, y, z)]
        yield "magnetic_field", {"x": x, "y": y, "z": z}

    def _measured(self):
        # One measurement: x, z and y. It takes 6 ms, typically.
        self.set(_MODE, 1)
        yield 10
        if not self.get(_STATUS)[0] & _READY:
            raise self.error("the measurement does not end")
        return unpack(">3h", self.get(_DATA, 6))
