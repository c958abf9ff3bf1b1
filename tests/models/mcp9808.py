"""The MCP9808: continuous measurement at four resolutions, limits, and shutdown."""

from .words import WordChip


class Model(WordChip):
    """raw is the temperature in °C / 16, as a number with a sign."""

    BYTES = (8,)

    def __init__(self):
        super().__init__()
        self.raw = 25 * 16 + 4
        self.manufacturer = 0x0054
        self.power_on()

    def power_on(self):
        self.config = 0
        self.limits = {2: 0, 3: 0, 4: 0}  # upper, lower and critical, as registers
        self.resolution = 3
        self.measured = 0
        self.next_ms = None  # when the conversion that runs ends; it starts at the first access

    def vary(self, random):
        """-40 to 125 °C."""
        self.raw = random.randrange(-640, 2001)

    def wrong_id(self):
        self.manufacturer = 0x0055

    def conversion_ms(self):
        return (30, 65, 130, 250)[self.resolution]

    def pass_time(self):
        if self.config & 0x0100:
            self.next_ms = None
        elif self.next_ms is None:
            self.next_ms = self.clock.now_ms + self.conversion_ms()
        elif self.clock.now_ms >= self.next_ms:
            self.next_ms = self.clock.now_ms + self.conversion_ms()
            unused = 3 - self.resolution
            self.measured = self.raw >> unused << unused

    def word(self, register):
        if register == 1:
            return self.config
        if register == 5:
            upper, lower, critical = [signed(self.limits[i]) for i in (2, 3, 4)]
            flags = (self.measured >= critical) << 15 | (self.measured > upper) << 14
            return flags | (self.measured < lower) << 13 | self.measured & 0x1FFF
        if register == 6:
            return self.manufacturer
        if register == 7:
            return 0x0400
        if register == 8:
            return self.resolution
        return self.limits.get(register, 0)

    def wrote(self, register, value):
        if register == 1:
            self.config = value & 0x07FF
            self.pass_time()
        if register in self.limits:
            self.limits[register] = value & 0x1FFC
        if register == 8:
            self.resolution = value & 3
            self.next_ms = self.clock.now_ms + self.conversion_ms()


def signed(register):
    """The number in °C / 16 that a limit stands for."""
    return (register & 0x1FFF ^ 0x1000) - 0x1000
