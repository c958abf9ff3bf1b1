"""The MPU6050 and its successors: settings, sleep, reset, and a sample each ms once awake."""

from .sampled import SampledChip, vector, words


class Model(SampledChip):
    """acceleration in 1/16384 g, rotation in 1/131 °/s, temperature as the chip gives it.

    who_am_i: another one of the family.
    """

    # 0x1D is the accelerometer's low pass in later chips.
    WRITABLE = (0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x23, 0x37, 0x38, 0x6A, 0x6B, 0x6C)
    START_MS = 35  # the gyroscope's, typically

    def __init__(self, who_am_i=0x68):
        super().__init__()
        self.who_am_i = who_am_i
        self.acceleration = [0, 0, 16384]
        self.rotation = [131, -262, 0]
        self.temperature = -521  # 35 °C (MPU6050)
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x75, (self.who_am_i,))
        self.put(0x6B, (0x40 if self.who_am_i == 0x68 else 0x01,))
        self.put(0x00, (0x81, 0x7F, 0x01))  # trimming
        self.start()

    def wrong_id(self):
        self.put(0x75, (0xEA,))

    def vary(self, random):
        """Within the ranges that are set."""
        self.acceleration = vector(random, 32000 << self.accel_bits())
        self.rotation = vector(random, 32000 << self.gyro_bits())
        self.temperature = random.randrange(-25000, 15000)

    def accel_bits(self):
        return self.registers[0x1C] >> 3 & 3

    def gyro_bits(self):
        return self.registers[0x1B] >> 3 & 3

    def wrote(self, register, value):
        if register == 0x6B and value & 0x80:
            self.power_on()
        if register == 0x6B:
            super().wrote(register, value)

    def period_ms(self):
        return 0 if self.registers[0x6B] & 0x40 else 1 + self.registers[0x19]

    def convert(self):
        accel, gyro = self.accel_bits(), self.gyro_bits()
        self.put(0x3B, words(">", [value >> accel for value in self.acceleration]))
        self.put(0x41, words(">", [self.temperature]))
        per_degree = (131, 65.5, 32.8, 16.4)[gyro]
        self.put(0x43, words(">", [value * per_degree / 131 for value in self.rotation]))
        self.registers[0x3A] |= 1
