"""Texas Instruments INA219: bus voltage, and current by a shunt.

Datasheet SBOS448G, section 8.6 (register maps); the conversion time's maximum from section 7.5.
"""

from ..port import const
from .ti_power import ShuntMonitor

_CONFIGURATION = const(0)
_SHUNT_VOLTAGE = const(1)  # 10 uV
_BUS_VOLTAGE = const(2)  # 4 mV, from bit 3 on
_CURRENT = const(4)
_CALIBRATION = const(5)
_READY = const(2)
_OVERFLOW = const(1)
_RANGES = const(0x3800)  # 32 V and 320 mV, the widest


class INA219(ShuntMonitor):
    """Yields voltage (V) of the load's side, shunt_voltage (V), current (A) and power (W).

    shunt: its resistance in ohms. samples: 1, 2, 4, 8, 16, 32, 64 or 128, averaged.
    """

    # Section 8.6.2.1: the full scales that are set here. The bus must not have more than 26 V
    # (section 7.1), but it is better to know of it than not.
    LIMITS = (32, 0.32)
    SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128)

    def chip(self):
        # It has no id. These are the ranges and the equal conversion times that it has at power-on
        # and from this driver, and bits that always read 0. A register that a chip with fewer of
        # them shows twice (LM75, ADS1115) is none of it.
        configuration = self._word(_CONFIGURATION)
        if configuration & 0xF800 != _RANGES or not configuration & 7:
            return None
        if configuration >> 7 & 15 != configuration >> 3 & 15:
            return None
        if self._word(_BUS_VOLTAGE) & 4 or self._word(_CALIBRATION) & 1:
            return None
        return None if self._word(_CURRENT) == configuration else "INA219"

    def verify(self):
        # Another program may have left it with other settings: what no INA219 shows is refused.
        if self._word(_CONFIGURATION) & 0xC000 or self._word(_CALIBRATION) & 1:
            if not self.any_id:
                raise self.error("a different chip, not INA219; a clone needs any_id")

    def setup(self):
        self._set_word(_CALIBRATION, 0)  # its own current and power, and their overflow, stay 0

    def measure(self):
        bits = 8 + self.SAMPLES.index(self._samples)
        self._set_word(_CONFIGURATION, _RANGES | bits << 7 | bits << 3 | 3)
        yield 1172 * self._samples // 1000 + 1  # twice 586 us a sample
        bus = self._word(_BUS_VOLTAGE)
        if not bus & _READY:
            raise self.error("the measurement does not end")
        if bus & _OVERFLOW:
            raise self.error("overflow")
        shunt = self._within(_SHUNT_VOLTAGE, 32000)
        yield from self._shunt_readings((bus >> 3) * 4000, shunt * 10000)
