"""The LM75 (9 bits), LM75B (11 bits) and TMP75 (12 bits, as many as are set)."""

from .words import WordChip

_CONVERSION_MS = {9: 100, 11: 100, 12: 300}


class Model(WordChip):
    """raw is the temperature in °C / 256, as a number with a sign."""

    BYTES = (1,)

    def __init__(self, bits=11):
        super().__init__()
        self.bits = bits
        self.raw = 25 * 256
        self.power_on()

    def power_on(self):
        self.config = 0
        self.limits = {2: 75 << 8, 3: 80 << 8}
        self.measured = 0
        self.next_ms = None

    def vary(self, random):
        """-55 to 125 °C."""
        self.raw = random.randrange(-55 * 256, 125 * 256 + 1)

    def pass_time(self):
        if self.config & 1:
            self.next_ms = None
        elif self.next_ms is None:
            self.next_ms = self.clock.now_ms + _CONVERSION_MS[self.bits]
        elif self.clock.now_ms >= self.next_ms:
            self.next_ms = self.clock.now_ms + _CONVERSION_MS[self.bits]
            bits = 9 + (self.config >> 5 & 3) if self.bits == 12 else self.bits
            unused = 16 - bits
            self.measured = self.raw >> unused << unused

    def word(self, register):
        register &= 3
        if register == 1:
            return self.config
        value = self.limits.get(register, self.measured)
        return value | 0x5A if self.bits == 9 else value  # undefined in an LM75

    def wrote(self, register, value):
        if register == 1:
            self.config = value & (0x7F if self.bits == 12 else 0x1F)
            self.pass_time()
        if register in self.limits:
            self.limits[register] = value & 0xFF80
