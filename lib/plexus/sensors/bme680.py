"""Bosch BME680 and BME688: temperature, pressure, humidity, and the resistance of a gas sensor.

Datasheets BST-BME680-DS001 and BST-BME688-DS000, and Bosch's BME68x sensor API for the formulas.
The integer formulas there lose up to 10 Pa to their 32 bits; so here those in floating point are
in integers, with more bits. The BME680's gas resistance is as in the BME680 datasheet, section
3.4.1.
"""

from struct import unpack

from ..port import const
from .i2c import I2CDriver

_HEATER_CALIBRATION = const(0x00)
_DATA = const(0x1D)
_HEATER_RESISTANCE = const(0x5A)
_HEATER_WAIT = const(0x64)
_CONTROL_HEATER = const(0x70)
_CONTROL_GAS = const(0x71)
_CONTROL_HUMIDITY = const(0x72)
_CONTROL = const(0x74)
_CONFIG = const(0x75)
_CALIBRATION = const(0x8A)
_CHIP_ID = const(0xD0)
_CALIBRATION_2 = const(0xE1)
_VARIANT = const(0xF0)
_NEW_DATA = const(0x80)
_GAS_IS_GOOD = const(0x30)  # it was measured, and the heater was as hot as it should be
_HEATER_OFF = const(0x08)

# The two tables of the gas resistance, where they are not 2^31 - 1 and 4096000000 >> range.
_GAS_1 = {5: 2126008810, 7: 2130303777, 10: 2143188679, 11: 2136746228, 13: 2126008810}
_GAS_2 = {4: 255744255, 5: 127110228, 7: 32258064, 8: 16016016}


class BME680(I2CDriver):
    """Yields temperature (°C), pressure (hPa), humidity (%) and gas_resistance (Ω).

    oversampling: 1, 2, 4, 8 or 16 samples for each value but the gas resistance.
    heater_temperature: 200 to 400 °C; None measures no gas, and heats nothing.
    heater_ms: for how long it heats, 1 to 4032 ms; 30 ms at least serve to get hot.

    A read is one measurement. While the heater has not become as hot as it should, the gas
    resistance is missing. It settles over the first minutes, and differs from chip to chip:
    cleaner air gives more.
    """

    ADDRESSES = (0x77, 0x76)
    METRICS = {"temperature": "°C", "pressure": "hPa", "humidity": "%", "gas_resistance": "Ω"}
    # Tables 2 to 5 of both; the gas resistance: all that its counts can be.
    RANGES = (
        "temperature", -40, 85,
        "pressure", 300, 1100,
        "humidity", 0, 100,
        "gas_resistance", 1, 103000000,
    )  # fmt: skip
    INTERVAL_MS = 3000  # more often, the heater would warm what the others measure

    def __init__(
        self, bus, address=None, oversampling=2, heater_temperature=320, heater_ms=150, any_id=False
    ):
        from .checks import check_whole, choice

        super().__init__(bus, address, any_id)
        if heater_temperature is not None:
            check_whole("heater_temperature", heater_temperature, 200, 400)
        else:
            self.METRICS = dict(self.METRICS)
            del self.METRICS["gas_resistance"]
        check_whole("heater_ms", heater_ms, 1, 4032)
        self._oversampling = 1 << choice("oversampling", oversampling, (1, 2, 4, 8, 16))
        self._heater_temperature = heater_temperature
        self._heater_ms = heater_ms

    def chip(self):
        if self.get(_CHIP_ID)[0] == 0x61:
            return "BME688" if self.get(_VARIANT)[0] == 1 else "BME680"

    def setup(self):
        # The letters are the datasheet's; "_" is reserved.
        t2, t3, _, p1, p2, p3, _, p4, p5, p7, p6, _, p8, p9, p10 = unpack(
            "<hbBHhbBhhbbHhhB", self.get(_CALIBRATION, 23)
        )
        h2, low, h1, h3, h4, h5, h6, h7, t1, g2, g1, g3 = unpack(
            "<BBBbbbBbHhbb", self.get(_CALIBRATION_2, 14)
        )
        self._temperature_trim = t1, t2, t3
        self._pressure_trim = p1, p2, p3, p4, p5, p6, p7, p8, p9, p10
        self._humidity_trim = h1 << 4 | low & 15, h2 << 4 | low >> 4, h3, h4, h5, h6, h7
        value, _, range_, _, error = unpack("<bBBBb", self.get(_HEATER_CALIBRATION, 5))
        self._heater_trim = g1, g2, g3, range_ >> 4 & 3, value
        self._gas_error = error >> 4
        self._is_688 = self.get(_VARIANT)[0] == 1
        self._ambient = 25  # °C, until it is measured
        if not t1 or not p1:
            raise self.error("it has no calibration")
        # A program before this one may have left it measuring.
        self.set(_CONTROL, 0)
        self.set(_CONFIG, 0)  # no filter
        yield 10

    def measure(self):
        heats = self._heater_temperature is not None
        if heats:
            self.set(_HEATER_RESISTANCE, self._heater_resistance())
            self.set(_HEATER_WAIT, self._heater_wait())
        self.set(_CONTROL_HEATER, 0 if heats else _HEATER_OFF)
        self.set(_CONTROL_GAS, (0x20 if self._is_688 else 0x10) if heats else 0)
        bits = (1, 2, 4, 8, 16).index(self._oversampling) + 1
        self.set(_CONTROL_HUMIDITY, bits)
        self.set(_CONTROL, bits << 5 | bits << 2 | 1)
        # Typical, as in Bosch's API; a fifth more for the spread of its clock.
        us = 5293 + 3 * 1963 * self._oversampling
        if heats:
            us += 1000 * self._heater_ms
        yield us * 6 // 5000 + 1
        data = self.get(_DATA, 17)
        if not data[0] & _NEW_DATA:
            raise self.error("the measurement does not end")
        if data[5] in (0, 255):  # as from a line that is stuck: no temperature is it
            raise self.error("nothing was measured")
        fine = self._fine(data[5] << 12 | data[6] << 4 | data[7] >> 4)
        celsius = (fine * 5 + 128 >> 8) / 100
        pressure = self._pressure(data[2] << 12 | data[3] << 4 | data[4] >> 4, fine)
        humidity = self._humidity(data[8] << 8 | data[9], fine)
        self._ambient = int(celsius)
        yield "temperature", celsius
        yield "pressure", round(pressure / 25600, 3)
        yield "humidity", round(humidity / 65536, 2)
        high, low = data[15:17] if self._is_688 else data[13:15]
        if heats and low & _GAS_IS_GOOD == _GAS_IS_GOOD:
            yield "gas_resistance", self._gas_resistance(high << 2 | low >> 6, low & 15)

    def _fine(self, raw):
        # The datasheet's t_fine, in 1/5120 °C.
        t1, t2, t3 = self._temperature_trim
        difference = raw - (t1 << 4)
        return (difference * t2 >> 14) + (difference * difference * t3 >> 30)

    def _pressure(self, raw, fine):
        # In Pa / 256.
        p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = self._pressure_trim
        a = fine - 128000
        divisor = ((1 << 50) + p3 * a * a + (p2 * a << 15)) * p1
        if divisor <= 0:
            raise self.error("its calibration makes no sense")
        p = (1048576 - raw << 33) - p6 * a * a - (p5 * a << 19) - (p4 << 37)
        p = (p * 6250 << 25) // divisor
        return p + (p9 * p * p >> 43) + (p8 * p >> 19) + (p10 * p * p * p >> 61) + (p7 << 11)

    def _humidity(self, raw, fine):
        # In % / 65536.
        h1, h2, h3, h4, h5, h6, h7 = self._humidity_trim
        t = fine // 20  # °C / 256
        a = (raw << 9) - (h1 << 13) - h3 * t
        h = a * h2 * ((1 << 36) + (h4 * t << 14) + h5 * t * t) >> 47
        h += ((h6 << 15) + h7 * t) * h * h >> 45
        return min(max(h, 0), 6553600)

    def _gas_resistance(self, raw, scale):
        # In Ω.
        if self._is_688:
            return 1000000 * (262144 >> scale) // (4096 + (raw - 512) * 3)
        a = (1340 + 5 * self._gas_error) * _GAS_1.get(scale, 2147483647) >> 16
        b = (raw << 15) - 16777216 + a
        return ((_GAS_2.get(scale, 4096000000 >> scale) * a >> 9) + (b >> 1)) // b

    def _heater_resistance(self):
        # What stands for the temperature that the heater should have.
        g1, g2, g3, range_, value = self._heater_trim
        # Ω / 1024 at the temperature, then 3.4 times what is above 25 Ω.
        r = (g1 + 784) * (65536000 + (g2 + 154010) * self._heater_temperature) // 1024000
        r = (r + g3 * self._ambient) * 2000 // ((4 + range_) * (500 + value))
        return min(max(34 * (r - 25600) // 10240, 0), 255)

    def _heater_wait(self):
        # 6 bits of ms, and 2 for a factor of 1, 4, 16 or 64.
        ms = self._heater_ms
        factor = 0
        while ms > 63:
            ms >>= 2
            factor += 0x40
        return factor | ms
