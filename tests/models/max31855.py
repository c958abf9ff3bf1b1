"""The MAX31855: 14 bits of the thermocouple, 12 of its own temperature, and the faults."""

from .spi import Thermocouple

OPEN, SHORT_TO_GROUND, SHORT_TO_SUPPLY = 1, 2, 4


class Model(Thermocouple):
    """raw in 0.25 °C, raw_internal in 0.0625 °C, fault: bits (tables 2 to 5)."""

    BYTES = 4
    FIRST_MS = 200
    CONVERSION_MS = 100

    def __init__(self):
        self.raw = 403  # 100.75 °C
        self.raw_internal = 400  # 25 °C
        self.fault = 0

    def vary(self, random):
        self.raw = random.randrange(-1080, 7200)
        self.raw_internal = random.randrange(-880, 2032)

    def word(self):
        word = (self.raw & 0x3FFF) << 18 | (self.raw_internal & 0xFFF) << 4 | self.fault
        if self.fault:
            word |= 0x10000
        return bytes([word >> 24, word >> 16 & 255, word >> 8 & 255, word & 255])
