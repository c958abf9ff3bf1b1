"""Maxim MAX31855: thermocouple to digital, cold junction compensated; one variant a type.

Datasheet 19-5793, revision 5; tables 2 to 5.
"""

from ..port import const
from .i2c import signed
from .spi import SPIDriver

_POWER_UP_MS = const(200)
_CONVERSION_MS = const(100)  # at most; being read breaks a conversion off
_RESERVED = const(0x00020008)  # D17 and D3 are always 0


class MAX31855(SPIDriver):
    """Yields the temperature (°C) of the thermocouple, and internal_temperature (°C), its own.

    The bus runs at 5 MHz at most. cs: the Pin at its chip select.
    """

    METRICS = {"temperature": "°C", "internal_temperature": "°C"}
    # Table 1, all types of thermocouples; of its own temperature, table 5.
    RANGES = (
        "temperature", -270, 1800,
        "internal_temperature", -55, 127,
    )  # fmt: skip

    def setup(self):
        yield _POWER_UP_MS

    def measure(self):
        yield _CONVERSION_MS
        word = self.get(4)
        # A line that nobody drives; 0 °C at both ends to the last bit is not worth the doubt.
        if word & _RESERVED or not word:
            raise self.error("no answer (0x%08x); check the wires" % word)
        if word & 1:
            raise self.error("the thermocouple is open")
        if word & 2:
            raise self.error("the thermocouple is shorted to ground")
        if word & 4:
            raise self.error("the thermocouple is shorted to the supply")
        if word & 0x10000:
            raise self.error("it reports a fault of no kind (0x%08x)" % word)
        yield "temperature", signed(word >> 18, 14) / 4
        yield "internal_temperature", signed(word >> 4 & 0xFFF, 12) / 16
