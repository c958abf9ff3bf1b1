"""Microchip MCP9808: temperature.

Datasheet DS25095. Addresses: table 3-2; registers: section 5.1.
"""

from ..port import const
from .i2c import I2CDriver, signed

_CONFIG = const(1)
_TEMPERATURE = const(5)
_MANUFACTURER = const(6)
_DEVICE = const(7)
_RESOLUTION = const(8)
_STEPS = (0.5, 0.25, 0.125, 0.0625)
_CONVERSION_MS = (30, 65, 130, 250)  # typical: the datasheet has no maximum


class MCP9808(I2CDriver):
    """Yields temperature (°C); a read is the chip's latest measurement.

    resolution: 0.5, 0.25, 0.125 or 0.0625 °C; the finest takes 250 ms, the coarsest 30 ms.
    """

    ADDRESSES = tuple(range(0x18, 0x20))
    METRICS = {"temperature": "°C"}
    # Section 1.0, "Temperature characteristics".
    RANGES = ("temperature", -40, 125)

    def __init__(self, bus, address=None, resolution=0.0625, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._step = choice("resolution", resolution, _STEPS)

    def chip(self):
        # The low byte of the second is the revision.
        if self.get(_MANUFACTURER, 2) == b"\x00\x54" and self.get(_DEVICE, 2)[0] == 4:
            return "MCP9808"

    def setup(self):
        # Only the shutdown bit: the limits and the alert pin are the user's.
        high, low = self.get(_CONFIG, 2)
        self.set(_CONFIG, high & ~1, low)
        self.set(_RESOLUTION, self._step)
        # Half as much again for the spread of its clock. Until then its register reads 0.
        yield _CONVERSION_MS[self._step] * 3 // 2

    def measure(self):
        high, low = self.get(_TEMPERATURE, 2)
        # The three highest bits tell how it compares with the limits.
        yield "temperature", signed((high & 0x1F) << 8 | low, 13) / 16
