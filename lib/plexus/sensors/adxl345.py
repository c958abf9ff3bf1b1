"""Analog Devices ADXL345: acceleration.

Datasheet ADXL345, revision E: table 1 (256 LSB/g in full resolution) and the register map. The
ADXL343 is the same to a program.
"""

from struct import unpack

from ..port import const
from .axes import AxesDriver, G

_ID = const(0x00)
_RATE = const(0x2C)  # and power control
_SOURCE = const(0x30)
_FORMAT = const(0x31)
_DATA = const(0x32)
_FIFO = const(0x38)
_READY = const(0x80)


class ADXL345(AxesDriver):
    """Yields acceleration (m/s²), up to 16 g with the full resolution of 4 mg; beyond is an error.

    It has no options: full resolution makes the smaller ranges useless.
    """

    ADDRESSES = (0x53, 0x1D)
    METRICS = {"acceleration": "m/s²"}
    # Table 1: 16 g, of 4096 counts.
    RANGES = ("acceleration", -157, 157)

    def chip(self):
        return "ADXL345" if self.get(_ID)[0] == 0xE5 else None

    def measure(self):
        # Full resolution and 16 g; no FIFO; 100 Hz; measure. After 1/rate + 1.1 ms it does
        # (section "Power sequencing"); the second value is surely good.
        yield from self._running(24, (_FORMAT, 0x0B), (_FIFO, 0), (_RATE, 0x0A, 0x08))
        yield from self._fresh(_SOURCE, _READY, 12)
        raw = unpack("<3h", self.get(_DATA, 6))
        yield "acceleration", self._vector(raw, 13, G / 256, 2, "16 g")
