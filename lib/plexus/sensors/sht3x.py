"""Sensirion SHT30, SHT31 and SHT35: temperature and humidity.

Datasheet SHT3x-DIS, version 5: single shots without clock stretching (section 4.3).
"""

from ..port import const
from .sensirion import HumiditySensor, celsius, percent

_STATUS = const(0xF32D)
_STATUS_ZEROS = const(0x500C)  # the status bits that are 0 in every state (table 18)
_BREAK = const(0x3093)
_HEATER_OFF = const(0x3066)


class SHT3x(HumiditySensor):
    """Yields temperature (°C) and relative humidity (%); a read is one measurement.

    repeatability: "high", "medium" or "low"; less is faster and noisier.
    """

    ADDRESSES = (0x44, 0x45)
    # The command (table 9), and the longest time in ms, that of a low supply voltage (section 2.2).
    MODES = {"high": (0x2400, 16), "medium": (0x240B, 7), "low": (0x2416, 5)}

    def chip(self):
        # It may be asked at any time, and a register of this number no chip at these addresses has.
        self.command(_STATUS)
        return None if self.words(1)[0] & _STATUS_ZEROS else "SHT3x"

    def setup(self):
        # Somebody may have left it measuring periodically: it then refuses single shots.
        self.command(_BREAK)
        yield 1
        self.command(_HEATER_OFF)
        yield 1

    def measure(self):
        command, wait_ms = self._mode
        temperature, humidity = yield from self.ask(command, 2, wait_ms)
        yield "temperature", celsius(temperature)
        yield "humidity", percent(humidity)
