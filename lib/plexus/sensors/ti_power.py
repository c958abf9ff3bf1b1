"""What Texas Instruments' power monitors have in common: words, averaging, the sums in integers."""

from .i2c import I2CDriver, signed


class PowerMonitor(I2CDriver):
    """The base of INA219, INA226 and INA260, which measure once at each read.

    Their own current and power registers, which need a calibration value, are not used: they are
    sums over the shunt voltage and the bus voltage with fewer digits.
    """

    ADDRESSES = tuple(range(0x40, 0x50))
    METRICS = {"voltage": "V", "shunt_voltage": "V", "current": "A", "power": "W"}
    SAMPLES = (1, 4, 16, 64, 128, 256, 512, 1024)  # what it can average

    def __init__(self, bus, address=None, samples=1, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._samples = self.SAMPLES[choice("samples", samples, self.SAMPLES)]

    def _word(self, register):
        data = self.get(register, 2)
        return data[0] << 8 | data[1]

    def _set_word(self, register, value):
        self.set(register, value >> 8, value & 255)

    def _is(self, die):
        # The die of an INA226 or its relatives. A reset bit reads 0 in all of them. What is no
        # chip with registers fails here, before a byte that is a command of such (0xFE resets an
        # HTU21D).
        if self._word(0) & 0x8000:
            return False
        return self._word(0xFE) == 0x5449 and self._word(0xFF) & 0xFFF0 == die

    def _triggered(self, configuration):
        # One measurement of an INA226 or INA260, both values in 1.1 ms (at most 1.21) a sample.
        self._set_word(0, configuration | self.SAMPLES.index(self._samples) << 9 | 0x0123)
        yield 2420 * self._samples // 1000 + 1
        flags = self._word(6)
        if not flags & 8:
            raise self.error("the measurement does not end")
        if flags & 4:
            raise self.error("overflow")

    def _within(self, register, limit):
        # A signed word; at the limits the converter is saturated.
        value = signed(self._word(register), 16)
        if not -limit < value < limit:
            raise self.error("more current than it can measure")
        return value

    def _readings(self, voltage_uv, current_ua):
        # A float has 24 bits: more than the 16 of the converters, whatever the unit.
        yield "voltage", voltage_uv / 1000000
        yield "current", current_ua / 1000000
        yield "power", (voltage_uv * current_ua + 500000) // 1000000 / 1000000


class ShuntMonitor(PowerMonitor):
    """The base of those with a shunt of one's own. LIMITS: the volts of the bus and the shunt."""

    LIMITS = (0, 0)

    def __init__(self, bus, address=None, shunt=0.1, samples=1, any_id=False):
        from .checks import check_number

        super().__init__(bus, address, samples, any_id)
        check_number("shunt", shunt, 0.000001, 1000)
        self._shunt_uohm = int(shunt * 1000000 + 0.5)
        volts, limit = self.LIMITS
        current = limit * 1000000 / self._shunt_uohm
        self.RANGES = (
            "voltage", 0, volts,
            "shunt_voltage", -limit, limit,
            "current", -current, current,
            "power", -volts * current, volts * current,
        )  # fmt: skip

    def _shunt_readings(self, voltage_uv, shunt_nv):
        # I = U / R, to the nearest uA.
        current_ua = (shunt_nv * 1000 + self._shunt_uohm // 2) // self._shunt_uohm
        yield "shunt_voltage", shunt_nv / 1000000000
        yield from self._readings(voltage_uv, current_ua)
