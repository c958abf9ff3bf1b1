"""The QMC5883L: standby and continuous mode, and its flags: ready, overflow, overrun."""

from .sampled import SampledChip, vector, words


class Model(SampledChip):
    """field in 1/12000 gauss."""

    WRITABLE = (0x09, 0x0A, 0x0B)

    def __init__(self):
        super().__init__()
        self.field = [2400, -1200, 6000]
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x0D, (0xFF,))

    def wrong_id(self):
        self.put(0x0D, (0x48,))

    def vary(self, random):
        """Within the range that is set."""
        self.field = vector(random, 24000 << self.range_shift())

    def range_shift(self):
        return 2 if self.registers[0x09] & 0x10 else 0

    def wrote(self, register, value):
        if register == 0x0A and value & 0x80:
            self.power_on()
        if register == 0x09:
            self.start()

    def reads(self, register):
        value = self.registers[register]
        if register < 6:  # a read of data clears them
            self.registers[0x06] &= ~0x05
        return value

    def period_ms(self):
        rates = (10, 50, 100, 200)
        control = self.registers[0x09]
        return 1000 / rates[control >> 2 & 3] if control & 3 == 1 else 0

    def convert(self):
        shift = self.range_shift()
        values = [value >> shift for value in self.field]
        self.put(0x00, words("<", values))
        overrun = 0x04 if self.registers[0x06] & 1 else self.registers[0x06] & 0x04
        overflow = 0x02 if any(not -32768 <= value <= 32767 for value in values) else 0
        self.registers[0x06] = 0x01 | overflow | overrun
