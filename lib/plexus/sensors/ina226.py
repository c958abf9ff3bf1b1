"""Texas Instruments INA226: bus voltage, and current by a shunt, in 16 bits.

Datasheet SBOS547B, section 7.1 (register maps); the conversion time's maximum from section 5.5.
"""

from ..port import const
from .ti_power import ShuntMonitor

_SHUNT_VOLTAGE = const(1)  # 2.5 uV
_BUS_VOLTAGE = const(2)  # 1.25 mV


class INA226(ShuntMonitor):
    """Yields voltage (V), shunt_voltage (V), current (A) and power (W).

    shunt: its resistance in ohms. samples: 1, 4, 16, 64, 128, 256, 512 or 1024, averaged.
    """

    LIMITS = (40, 0.082)  # section 5.1: the pin stands 40 V; section 7.1: 81.92 mV

    def chip(self):
        return "INA226" if self._is(0x2260) else None

    def measure(self):
        yield from self._triggered(0x4000)
        shunt = self._within(_SHUNT_VOLTAGE, 32767)
        yield from self._shunt_readings(self._word(_BUS_VOLTAGE) * 1250, shunt * 2500)
