"""ST LIS3DH and LIS2DH12: acceleration.

Datasheets LIS3DH (DocID17530) and LIS2DH12 (DocID025056): table of mechanical characteristics
(mg/digit in high-resolution mode) and register descriptions, which agree in all that is used.
"""

from struct import unpack

from ..port import const
from .axes import AxesDriver, G

_WHO_AM_I = const(0x0F)
_MANY = const(0x80)  # with it the register's number counts up
_CONTROL_1 = const(0x20)  # and 2
_CONTROL_4 = const(0x23)  # and 5
_STATUS = const(0x27)
_DATA = const(0x28)
_FIFO = const(0x2E)
_READY = const(0x08)


class LIS3DH(AxesDriver):
    """Yields acceleration (m/s²) in high-resolution mode: 12 bits.

    accel_range: 2, 4, 8 or 16 g. What lies beyond is an error. A LIS2DH12 shows the same id.
    """

    ADDRESSES = (0x18, 0x19)
    METRICS = {"acceleration": "m/s²"}
    # Mechanical characteristics: 2048 counts of 12 mg, the largest accel_range.
    RANGES = ("acceleration", -241, 241)

    def __init__(self, bus, address=None, accel_range=4, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._accel = choice("accel_range", accel_range, (2, 4, 8, 16))

    def chip(self):
        return "LIS3DH" if self.get(_WHO_AM_I)[0] == 0x33 else None

    def measure(self):
        # 100 Hz, three axes, no high pass; data not changed while they are read, high resolution.
        # The mode's turn-on time is 7 periods.
        yield from self._running(
            80,
            (_CONTROL_1 | _MANY, 0x57, 0),
            (_CONTROL_4 | _MANY, 0x88 | self._accel << 4, 0),
            (_FIFO, 0),
        )
        yield from self._fresh(_STATUS, _READY, 12)
        # Left-justified.
        raw = [value >> 4 for value in unpack("<3h", self.get(_DATA | _MANY, 6))]
        mg = (1, 2, 4, 12)[self._accel]
        yield (
            "acceleration",
            self._vector(raw, 12, G / 1000 * mg, 3, "accel_range"),
        )
