"""The LIS3DH: rates, ranges, resolutions, and fresh-data bits that a read clears."""

from .sampled import STChip, clipped, vector, words


class Model(STChip):
    """acceleration in mg."""

    WRITABLE = (0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x2E, 0x30)

    def __init__(self):
        super().__init__()
        self.acceleration = [0, 0, 1000]
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x0F, (0x33,))
        self.put(0x20, (0x07,))

    def wrong_id(self):
        self.put(0x0F, (0x32,))

    def vary(self, random):
        """Within the range that is set."""
        self.acceleration = vector(random, 2000 * self.mg())

    def mg(self):
        return (1, 2, 4, 12)[self.registers[0x23] >> 4 & 3]

    def wrote(self, register, value):
        if register == 0x24 and value & 0x80:  # takes its trimming anew
            self.registers[0x24] &= 0x7F
        super().wrote(register, value)

    def reads(self, register):
        if 0x28 <= register < 0x2E:
            self.registers[0x27] = 0
        return super().reads(register)

    def period_ms(self):
        rate = (0, 1, 10, 25, 50, 100, 200, 400, 0, 1344)[self.registers[0x20] >> 4]
        return 1000 / rate if rate else 0

    def convert(self):
        high = self.registers[0x23] & 8
        # The turn-on time to high resolution is 7 periods; till then it is not settled.
        settled = not high or self.clock.now_ms - self.started_ms >= 7 * self.period_ms()
        bits = 12 if high else 8 if self.registers[0x20] & 8 else 10
        # The ends of the ranges are at 2048 mg (and 4096, 8192, 24576).
        values = [clipped(value // self.mg() >> 12 - bits, bits) for value in self.acceleration]
        self.put(0x28, words("<", [(value << 16 - bits) * settled for value in values]))
        self.registers[0x27] = 0x0F
