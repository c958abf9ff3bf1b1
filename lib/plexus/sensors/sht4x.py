"""Sensirion SHT40, SHT41, SHT43 and SHT45: temperature and humidity.

Datasheet SHT4x, version 3. Unlike Sensirion's other chips its commands have 8 bits.
"""

from ..port import const, sleep_ms
from .sensirion import HumiditySensor, celsius

_SERIAL_NUMBER = const(0x89)
_SERIAL_NUMBER_MS = const(10)


class SHT4x(HumiditySensor):
    """Yields temperature (°C) and relative humidity (%); a read is one measurement.

    repeatability: "high", "medium" or "low"; less is faster and noisier.
    """

    ADDRESSES = (0x44, 0x45, 0x46)
    MODES = {"high": (0xFD, 9), "medium": (0xF6, 5), "low": (0xE0, 2)}

    def chip(self):
        # One byte, which to any other chip names a register at most. The two checksums tell.
        self.transmit(bytes((_SERIAL_NUMBER,)))
        sleep_ms(_SERIAL_NUMBER_MS)
        self.words(2)
        return "SHT4x"

    def measure(self):
        command, wait_ms = self._mode
        self.transmit(bytes((command,)))
        yield wait_ms
        temperature, humidity = self.words(2)
        yield "temperature", celsius(temperature)
        # -6 + 125 * raw / 65535; what is beyond the ends is cut off, as the datasheet advises.
        humidity = (humidity * 2500 + 6553) // 13107 - 600
        yield "humidity", min(max(humidity, 0), 10000) / 100
