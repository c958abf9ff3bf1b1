"""The LSM6DSO and its kin: rates, ranges, and fresh-data bits that a read clears."""

from .sampled import SampledChip, vector, words


class Model(SampledChip):
    """acceleration in 0.061 mg, rotation in 4.375 m°/s, temperature as the chip gives it."""

    WRITABLE = (0x0D, 0x0E, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19)
    START_MS = 70  # the gyroscope's, typically

    def __init__(self, who_am_i=0x6C):
        super().__init__()
        self.who_am_i = who_am_i
        self.acceleration = [0, 0, 16393]
        self.rotation = [0, 229, -457]
        self.temperature = 0
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x0F, (self.who_am_i,))
        self.put(0x12, (0x04,))

    def wrong_id(self):
        self.put(0x0F, (0x68,))

    def vary(self, random):
        """Within the ranges that are set."""
        self.acceleration = vector(random, 32000 << self.accel_bits())
        self.rotation = vector(random, 32000 << self.gyro_bits())
        self.temperature = random.randrange(-15000, 15000)

    def accel_bits(self):
        return (0, 3, 1, 2)[self.registers[0x10] >> 2 & 3]

    def gyro_bits(self):
        return 0 if self.registers[0x11] & 2 else (self.registers[0x11] >> 2 & 3) + 1

    def wrote(self, register, value):
        if register == 0x12 and value & 1:
            self.power_on()
        super().wrote(register, value)

    def reads(self, register):
        if 0x28 <= register < 0x2E:
            self.registers[0x1E] &= ~1
        if 0x22 <= register < 0x28:
            self.registers[0x1E] &= ~2
        if register in (0x20, 0x21):
            self.registers[0x1E] &= ~4
        return super().reads(register)

    def period_ms(self):
        rates = [self.registers[register] >> 4 for register in (0x10, 0x11)]
        return 0 if 0 in rates else 1000 / (6.5 * 2 ** min(rates))

    def convert(self):
        accel, gyro = self.accel_bits(), self.gyro_bits()
        self.put(0x20, words("<", [self.temperature]))
        self.put(0x22, words("<", [value >> gyro for value in self.rotation]))
        self.put(0x28, words("<", [value >> accel for value in self.acceleration]))
        self.registers[0x1E] = 7
