"""Sensirion SCD30: CO2, temperature and humidity.

Interface Description SCD30, version 1.0, sections 1.1 and 1.4. The module needs a bus of at most
100 kHz (50 kHz is advised) that lets it stretch the clock by 150 ms.
"""

import struct

from ..port import const
from .sensirion import Sensirion, check

_START = const(0x0010)
_INTERVAL = const(0x4600)
_IS_READY = const(0x0202)
_MEASUREMENT = const(0x0300)
_OFFSET = const(0x5403)
_ALTITUDE = const(0x5102)
_FIRMWARE = const(0xD100)
_WAIT_MS = const(4)  # more than 3 ms from each command to its answer


class SCD30(Sensirion):
    """Yields co2 (ppm), temperature (°C) and relative humidity (%).

    interval_s: how often the module measures, 2 to 1800 s; a read waits for the next measurement.
    altitude_m: of the sensor, 0 to 3000 m. pressure_hpa: of the air, 700 to 1400 hPa; it is used
    instead of the altitude. temperature_offset: by how many °C the module is warmer than the air,
    0 to 20. An altitude and an offset that are not given stay as they are stored in the module.
    """

    ADDRESSES = (0x61,)
    METRICS = {"co2": "ppm", "temperature": "°C", "humidity": "%"}
    # Datasheet SCD30, version 1.0, section 1: CO2 is given up to 40000 ppm; 0 is none.
    RANGES = (
        "co2", 1, 40000,
        "temperature", -40, 70,
        "humidity", 0, 100,
    )  # fmt: skip
    INTERVAL_MS = 2000

    def __init__(
        self,
        bus,
        address=None,
        interval_s=2,
        altitude_m=None,
        pressure_hpa=None,
        temperature_offset=None,
        any_id=False,
    ):
        super().__init__(bus, address, any_id)
        if interval_s is None:
            interval_s = 2
        check("interval_s", interval_s, 2, 1800)
        check("altitude_m", altitude_m, 0, 3000)
        check("pressure_hpa", pressure_hpa, 700, 1400)
        check("temperature_offset", temperature_offset, 0, 20)
        self._interval_s = int(interval_s)
        self._altitude_m = altitude_m
        self._pressure_hpa = pressure_hpa
        self._temperature_offset = temperature_offset

    def chip(self):
        version = self.ask_at_once(_FIRMWARE, 1, _WAIT_MS)[0]
        return "SCD30" if 0 < version < 0xFFFF else None

    def setup(self):
        offset = self._temperature_offset
        for command, value in (
            (_INTERVAL, self._interval_s),
            (_ALTITUDE, self._altitude_m),
            (_OFFSET, None if offset is None else offset * 100),
        ):
            if value is None:
                continue
            value = int(value + 0.5)
            # They are kept in flash memory: only a new value is worth a write.
            stored = yield from self.ask(command, 1, _WAIT_MS)
            if stored[0] != value:
                self.command(command, value)
                yield _WAIT_MS
        self.command(_START, int((self._pressure_hpa or 0) + 0.5))
        yield _WAIT_MS

    def measure(self):
        for _ in range(15):
            ready = yield from self.ask(_IS_READY, 1, _WAIT_MS)
            if ready[0] == 1:
                break
            yield 100 * self._interval_s
        else:
            raise self.error("no measurement within %d ms" % (1500 * self._interval_s))
        # The module gives it but once.
        words = yield from self.ask(_MEASUREMENT, 6, _WAIT_MS, 1)
        # Single precision as they come, so that no board loses digits.
        co2, temperature, humidity = struct.unpack(">fff", struct.pack(">6H", *words))
        yield "co2", round(co2, 1)
        yield "temperature", round(temperature, 2)
        yield "humidity", round(humidity, 2)
