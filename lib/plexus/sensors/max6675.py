"""Maxim MAX6675: type K thermocouple to digital, cold junction compensated.

Datasheet 19-2235, revision 3; "Serial Interface".
"""

from ..port import const
from .spi import SPIDriver

_CONVERSION_MS = const(220)  # at most; being read breaks a conversion off
_ALWAYS_0 = const(0x8002)  # the dummy sign and the device's id
_OPEN = const(0x0004)
_FULL = const(0xFFF)


class MAX6675(SPIDriver):
    """Yields the temperature (°C) of a thermocouple, above 0 and below 1023.75 °C.

    What is colder or hotter is an error, as the chip cannot tell how much.
    The bus runs at 4.3 MHz at most. cs: the Pin at its chip select.
    """

    METRICS = {"temperature": "°C"}
    # "Features": 0 to 1024 °C.
    RANGES = ("temperature", 0, 1024)

    def measure(self):
        yield _CONVERSION_MS
        word = self.get(2)
        if word & _ALWAYS_0:
            raise self.error("no answer (0x%04x); check the wires" % word)
        if word & _OPEN:
            raise self.error("the thermocouple is open")
        raw = word >> 3
        if raw == _FULL:
            raise self.error("1023.75 °C or more, beyond its range")
        if not raw:
            raise self.error("0 °C or less, below its range, or no answer")
        yield "temperature", raw / 4
