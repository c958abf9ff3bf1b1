"""QST QMC5883L: magnetic field. Many boards that are sold with an HMC5883L carry it.

Datasheet QMC5883L, version 1.0: specifications (LSB/gauss) and register descriptions.
"""

from struct import unpack

from ..port import const
from .axes import AxesDriver

_DATA = const(0x00)  # and status
_STATUS = const(0x06)
_CONTROL_1 = const(0x09)
_CONTROL_2 = const(0x0A)  # then the set/reset period, a reserved one, the chip's id
_PERIOD = const(0x0B)
_READY = const(0x01)
_OVERFLOW = const(0x02)


class QMC5883L(AxesDriver):
    """Yields the magnetic field (µT). field_range: 200 or 800 µT; what lies beyond is an error."""

    ADDRESSES = (0x0D,)
    METRICS = {"magnetic_field": "µT"}
    # Specifications: 32768 counts at 3000 LSB/gauss, the largest field_range.
    RANGES = ("magnetic_field", -1093, 1093)

    def __init__(self, bus, address=None, field_range=200, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._range = choice("field_range", field_range, (200, 800))

    def chip(self):
        # Its id alone is what a bus without a chip reads; so these bits, which it has not, are 0.
        data = self.get(_CONTROL_2, 4)
        return "QMC5883L" if data[3] == 0xFF and not data[0] & 0x3E else None

    def measure(self):
        self.set(_PERIOD, 1)  # as the datasheet recommends
        # 512 samples a value, 50 Hz, continuously.
        yield from self._running(50, (_CONTROL_1, self._range << 4 | 0x05))
        yield from self._fresh(_STATUS, _READY, 25)
        data = self.get(_DATA, 7)
        if data[6] & _OVERFLOW:
            raise self.error("beyond field_range")
        per_gauss = (12000, 3000)[self._range]  # 1 gauss is 100 µT
        raw = unpack("<3h", data[:6])
        yield (
            "magnetic_field",
            self._vector(raw, 16, 100 / per_gauss, 2, "field_range"),
        )
