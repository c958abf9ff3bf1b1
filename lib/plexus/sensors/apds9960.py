"""Broadcom (Avago) APDS-9960: color and proximity.

Datasheet AV02-4191EN, "Register Set". It has no formula for lux, so there is none here.
"""

from ..port import const
from .i2c import I2CDriver

_ENABLE = const(0x80)
_TIME = const(0x81)
_PULSES = const(0x8E)  # and, behind it, the gains
_ID = const(0x92)
_STATUS = const(0x93)
_COLOR = const(0x94)  # clear, red, green, blue
_PROXIMITY = const(0x9C)
_POWER = const(0x01)
_ON = const(0x07)  # power, light and proximity
_DONE = const(0x03)  # light and proximity


class APDS9960(I2CDriver):
    """Yields color, {"red", "green", "blue", "clear"} in counts, and proximity, 0 (far) to 255.

    gain: of the light, 1, 4, 16 or 64. integration_ms: of the light, 3 to 711; the more, the finer.
    proximity_gain: 1, 2, 4 or 8. Counts of different gains or times do not compare.
    """

    ADDRESSES = (0x39,)
    METRICS = {"color": "", "proximity": ""}
    # "Register Set": counts of 16 bits and of 8.
    RANGES = (
        "color", 0, 65535,
        "proximity", 0, 255,
    )  # fmt: skip

    def __init__(
        self, bus, address=None, gain=4, integration_ms=103, proximity_gain=4, any_id=False
    ):
        from .checks import choice

        super().__init__(bus, address, any_id)
        if not isinstance(integration_ms, int) or not 3 <= integration_ms <= 711:
            raise ValueError("integration_ms: %r; give 3 to 711" % (integration_ms,))
        self._steps = (integration_ms * 100 + 139) // 278  # of 2.78 ms
        self._control = choice("proximity_gain", proximity_gain, (1, 2, 4, 8)) << 2
        self._control |= choice("gain", gain, (1, 4, 16, 64))

    def chip(self):
        # 0xAB; the others are on boards that are sold.
        return "APDS9960" if self.get(_ID)[0] in (0xAB, 0xA8, 0x9C) else None

    def measure(self):
        self.set(_ENABLE, _POWER)  # so that what it has of before is no longer valid
        self.set(_TIME, 256 - self._steps)
        self.set(_PULSES, 0x87, self._control)  # 8 pulses of 16 us, at 100 mA
        self.set(_ENABLE, _ON)
        # To wake up 7 ms, proximity some 2 ms, and the light; 5 % more for the oscillator. The
        # status tells if it took longer yet.
        yield 12 + self._steps * 292 // 100
        status = self.get(_STATUS)[0]
        if status & _DONE != _DONE:
            raise self.error("the measurement does not end")
        data = self.get(_COLOR, 8)
        proximity = self.get(_PROXIMITY)[0]
        self.set(_ENABLE, 0)
        clear, red, green, blue = (data[i] | data[i + 1] << 8 for i in (0, 2, 4, 6))
        if status & 0x80 or clear >= min(1025 * self._steps, 65535):
            raise self.error("too bright; give it a lower gain or integration_ms")
        if status & 0x40:
            raise self.error("too bright for proximity; give it a lower proximity_gain")
        yield "color", {"red": red, "green": green, "blue": blue, "clear": clear}
        yield "proximity", proximity
