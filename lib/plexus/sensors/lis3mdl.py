"""ST LIS3MDL: magnetic field.

Datasheet LIS3MDL (DocID024204): mechanical characteristics (LSB/gauss), register descriptions.
"""

from struct import unpack

from ..port import const
from .axes import AxesDriver

_WHO_AM_I = const(0x0F)
_MANY = const(0x80)  # with it the register's number counts up
_CONTROL = const(0x20)  # 1 to 5
_STATUS = const(0x27)
_DATA = const(0x28)
_READY = const(0x08)


class LIS3MDL(AxesDriver):
    """Yields the magnetic field (µT), in ultra-high-performance mode.

    field_range: 400, 800, 1200 or 1600 µT. What lies beyond what the converter holds is an error.
    """

    ADDRESSES = (0x1C, 0x1E)
    METRICS = {"magnetic_field": "µT"}
    # Mechanical characteristics: 32768 counts at 1711 LSB/gauss, the largest field_range.
    RANGES = ("magnetic_field", -1916, 1916)

    def __init__(self, bus, address=None, field_range=400, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._range = choice("field_range", field_range, (400, 800, 1200, 1600))

    def chip(self):
        return "LIS3MDL" if self.get(_WHO_AM_I)[0] == 0x3D else None

    def measure(self):
        # Ultra-high performance of all axes, 40 Hz, continuously; data not changed while read.
        settings = (_CONTROL | _MANY, 0x78, self._range << 5, 0, 0x0C, 0x40)
        yield from self._running(60, settings)
        yield from self._fresh(_STATUS, _READY, 30)
        raw = unpack("<3h", self.get(_DATA | _MANY, 6))
        per_gauss = (6842, 3421, 2281, 1711)[self._range]  # 1 gauss is 100 µT
        yield (
            "magnetic_field",
            self._vector(raw, 16, 100 / per_gauss, 2, "field_range"),
        )
