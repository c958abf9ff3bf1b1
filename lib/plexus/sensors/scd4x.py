"""Sensirion SCD40, SCD41 and SCD43: CO2, temperature and humidity.

Datasheet SCD4x, version 1.3: periodic measurement (section 3.5), compensation (section 3.6);
version 1.7 has the variants.
"""

from ..port import const
from .driver import SensorError
from .sensirion import Sensirion, celsius, check, percent

_START = const(0x21B1)
_STOP = const(0x3F86)
_IS_READY = const(0xE4B8)
_MEASUREMENT = const(0xEC05)
_VARIANT = const(0x202F)
_SET_OFFSET = const(0x241D)
_SET_ALTITUDE = const(0x2427)
_SET_PRESSURE = const(0xE000)


class SCD4x(Sensirion):
    """Yields co2 (ppm), temperature (°C) and relative humidity (%). A new value every 5 s.

    altitude_m: of the sensor, 0 to 3000 m. pressure_hpa: of the air, 700 to 1200 hPa; it is used
    instead of the altitude. temperature_offset: by how many °C the chip is warmer than the air
    around its case, 0 to 20. What is not given stays as it is stored in the chip.
    """

    ADDRESSES = (0x62,)
    METRICS = {"co2": "ppm", "temperature": "°C", "humidity": "%"}
    # Sections 1.1 to 1.3: CO2 is given up to 40000 ppm (0: it has measured none), 0 to 100 %,
    # -10 to 60 °C. The chip takes its offset from that, up to 20 °C here (section 3.6.1): 20 too
    # many at -10 °C read as -30.
    RANGES = (
        "co2", 1, 40000,
        "temperature", -30, 60,
        "humidity", 0, 100,
    )  # fmt: skip
    INTERVAL_MS = 5000

    def __init__(
        self, bus, address=None, altitude_m=None, pressure_hpa=None, temperature_offset=None
    ):
        super().__init__(bus, address)
        check("altitude_m", altitude_m, 0, 3000)
        check("pressure_hpa", pressure_hpa, 700, 1200)
        check("temperature_offset", temperature_offset, 0, 20)
        self._altitude_m = altitude_m
        self._pressure_hpa = pressure_hpa
        self._temperature_offset = temperature_offset

    def chip(self):
        # While it measures it refuses all but a few commands, of which this is one.
        self.ask_at_once(_IS_READY, 1, 1)
        try:
            variant = self.ask_at_once(_VARIANT, 1, 1)[0] >> 12
        except SensorError:
            return "SCD4x"
        return {0: "SCD40", 1: "SCD41", 5: "SCD43"}.get(variant, "SCD4x")

    def setup(self):
        self.command(_STOP)  # it may be measuring already, and would refuse the rest
        yield 500
        offset = self._temperature_offset
        if offset is not None:
            # 13 bits at most, so that single precision holds the product.
            self.command(_SET_OFFSET, int(offset * 65535 / 175 + 0.5))
            yield 1
        if self._altitude_m is not None:
            self.command(_SET_ALTITUDE, int(self._altitude_m + 0.5))
            yield 1
        if self._pressure_hpa is not None:
            self.command(_SET_PRESSURE, int(self._pressure_hpa + 0.5))
            yield 1
        self.command(_START)

    def measure(self):
        for _ in range(30):
            ready = yield from self.ask(_IS_READY, 1, 1)
            if ready[0] & 0x7FF:
                break
            yield 200
        else:
            raise self.error("no measurement within 6 s")
        # The chip gives it but once.
        co2, temperature, humidity = yield from self.ask(_MEASUREMENT, 3, 1, 1)
        yield "co2", co2
        yield "temperature", celsius(temperature)
        yield "humidity", percent(humidity)
