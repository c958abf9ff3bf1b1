"""The LIS3MDL: modes, rates, ranges, and fresh-data bits that a read clears."""

from .sampled import STChip, vector, words


class Model(STChip):
    """field in 1/6842 gauss."""

    WRITABLE = (0x20, 0x21, 0x22, 0x23, 0x24)

    def __init__(self):
        super().__init__()
        self.field = [1368, -684, 3421]
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x0F, (0x3D,))
        self.put(0x20, (0x10, 0, 0x03))

    def wrong_id(self):
        self.put(0x0F, (0x33,))

    def vary(self, random):
        """Within the range that is set."""
        self.field = vector(random, 27300 * (1 + self.range_bits()))

    def range_bits(self):
        return self.registers[0x21] >> 5 & 3

    def wrote(self, register, value):
        if register == 0x21 and value & 0x04:
            self.power_on()
        super().wrote(register, value)

    def reads(self, register):
        if 0x28 <= register < 0x2E:
            self.registers[0x27] = 0
        return super().reads(register)

    def period_ms(self):
        if self.registers[0x22] & 3 == 1 or self.registers[0x22] & 2:
            return 0  # powered down; its single measurement is not modelled
        control = self.registers[0x20]
        if control & 2:
            return 1000 / (1000, 560, 300, 155)[control >> 5 & 3]
        return 1000 / (0.625 * 2 ** (control >> 2 & 7))

    def convert(self):
        per_gauss = (6842, 3421, 2281, 1711)[self.range_bits()]
        self.put(0x28, words("<", [round(value * per_gauss / 6842) for value in self.field]))
        self.registers[0x27] |= 0xF0 if self.registers[0x27] & 0x08 else 0
        self.registers[0x27] |= 0x0F
