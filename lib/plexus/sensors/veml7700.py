"""Vishay VEML7700: illuminance.

Datasheet 84286 (command codes), and the application note "Designing the VEML7700 Into an
Application" (84323) for the resolution, the search of the range and the correction.
"""

from ..port import const
from .i2c import I2CDriver

_CONFIGURATION = const(0)
_POWER_SAVING = const(3)
_LIGHT = const(4)
_ID = const(7)
_OFF = const(1)
# By sensitivity, and in the order of the values, the settings of the configuration's fields.
_GAINS = (0.125, 0.25, 1, 2)
_GAIN_BITS = b"\x02\x03\x00\x01"
_TIMES_MS = (25, 50, 100, 200, 400, 800)
_TIME_BITS = b"\x0c\x08\x00\x01\x02\x03"


class VEML7700(I2CDriver):
    """Yields illuminance (lx); a read is one measurement, between which the chip is off.

    gain: 0.125, 0.25, 1 or 2; None (then without integration_ms) finds gain and time that suit,
    as the application note does: in 130 ms by daylight, in up to 2.3 s in the dark.
    integration_ms: 25, 50, 100, 200, 400 or 800.
    """

    ADDRESSES = (0x10,)
    METRICS = {"illuminance": "lx"}
    # The application note: 140000 lx, where its correction ends.
    RANGES = ("illuminance", 0, 141000)
    INTERVAL_MS = 5000

    def __init__(self, bus, address=None, gain=None, integration_ms=100, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        choice("gain", gain, _GAINS + (None,))
        choice("integration_ms", integration_ms, _TIMES_MS)
        if gain is None and integration_ms != 100:
            raise ValueError("integration_ms: found automatically; give a gain as well, or neither")
        self._gain = gain
        self._time_ms = integration_ms

    def chip(self):
        return "VEML7700" if self.get(_ID, 2)[0] == 0x81 else None

    def setup(self):
        self.set(_POWER_SAVING, 0, 0)

    def measure(self):
        gain = 0 if self._gain is None else _GAINS.index(self._gain)
        time = _TIMES_MS.index(self._time_ms)
        count = yield from self._count(gain, time)
        if self._gain is None:
            if count > 100:
                while count > 10000 and time:
                    time -= 1
                    count = yield from self._count(gain, time)
            else:
                while count <= 100 and time < 5:
                    if gain < 3:
                        gain += 1
                    else:
                        time += 1
                    count = yield from self._count(gain, time)
        if count == 65535:
            raise self.error("too bright; give it a lower gain or integration_ms")
        # 0.0042 lx a count at gain 2 and 800 ms. A float has 24 bits, a count 16.
        lx = count * 6.72 / (_GAINS[gain] * _TIMES_MS[time])
        if lx > 24000:  # 140660 when corrected: the correction is made for no more
            raise self.error("too bright: more than the 140000 lx that it can measure")
        if lx > 53.76:  # 100 counts at the first setting: where the application note corrects
            lx *= ((6.0135e-13 * lx - 9.3924e-9) * lx + 8.1488e-5) * lx + 1.0023
        yield "illuminance", round(lx, 3)

    def _count(self, gain, time):
        bits = _GAIN_BITS[gain] << 11 | _TIME_BITS[time] << 6
        self.set(_CONFIGURATION, bits & 255 | _OFF, bits >> 8)
        self.set(_CONFIGURATION, bits & 255, bits >> 8)
        # 2.5 ms to wake up; nothing tells when it has done, nor how much longer than said it takes.
        yield 5 + _TIMES_MS[time] * 5 // 4
        data = self.get(_LIGHT, 2)
        self.set(_CONFIGURATION, bits & 255 | _OFF, bits >> 8)
        return data[0] | data[1] << 8
