"""The MAX6675: 12 bits of a type K thermocouple, and whether it is open."""

from .spi import Thermocouple


class Model(Thermocouple):
    """raw in 0.25 °C; open: no thermocouple; last_bit: what the undriven bit D0 reads as."""

    BYTES = 2
    FIRST_MS = 220
    CONVERSION_MS = 220

    def __init__(self):
        self.raw = 403
        self.open = False
        self.last_bit = 1

    def vary(self, random):
        self.raw = random.randrange(1, 4095)
        self.last_bit = random.randrange(2)

    def word(self):
        word = self.raw << 3 | (4 if self.open else 0) | self.last_bit
        return bytes([word >> 8, word & 255])
