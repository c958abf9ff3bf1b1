"""The ADXL345: standby and measurement, ranges with and without full resolution."""

from .sampled import SampledChip, clipped, vector, words


class Model(SampledChip):
    """acceleration in 1/256 g."""

    WRITABLE = (0x1E, 0x1F, 0x20, 0x2C, 0x2D, 0x2E, 0x2F, 0x31, 0x38)
    START_MS = 1.1

    def __init__(self):
        super().__init__()
        self.acceleration = [0, 0, 256]
        self.put(0x00, (0xE5,))
        self.put(0x2C, (0x0A,))
        self.put(0x30, (0x02,))

    def wrong_id(self):
        self.put(0x00, (0x60,))

    def vary(self, random):
        self.acceleration = vector(random, 4094)

    def reads(self, register):
        if 0x32 <= register < 0x38:
            self.registers[0x30] &= 0x7F
        return super().reads(register)

    def period_ms(self):
        return 10 * 2 ** (10 - (self.registers[0x2C] & 15)) if self.registers[0x2D] & 8 else 0

    def convert(self):
        bits = self.registers[0x31] & 3
        if self.registers[0x31] & 8:
            values = [clipped(value, 10 + bits) for value in self.acceleration]
        else:
            values = [clipped(value >> bits, 10) for value in self.acceleration]
        self.put(0x32, words("<", values))
        self.registers[0x30] |= 0x80
