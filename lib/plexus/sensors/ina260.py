"""Texas Instruments INA260: bus voltage, and current by a shunt of 2 milliohms within.

Datasheet SBOS656C, section 8.6 (register maps).
"""

from ..port import const
from .ti_power import PowerMonitor

_CURRENT = const(1)  # 1.25 mA
_BUS_VOLTAGE = const(2)  # 1.25 mV


class INA260(PowerMonitor):
    """Yields voltage (V), current (A) and power (W).

    samples: 1, 4, 16, 64, 128, 256, 512 or 1024, averaged.
    """

    METRICS = {"voltage": "V", "current": "A", "power": "W"}
    # Section 7.1: the bus stands 40 V; section 8.6: the register ends at 40.96 A.
    RANGES = (
        "voltage", 0, 40,
        "current", -41, 41,
        "power", -1640, 1640,
    )  # fmt: skip

    def chip(self):
        return "INA260" if self._is(0x2270) else None

    def measure(self):
        yield from self._triggered(0x6000)
        current = self._within(_CURRENT, 32767)
        yield from self._readings(self._word(_BUS_VOLTAGE) * 1250, current * 1250)
