"""The ENS160: a new result every second while it runs, and how valid it is."""

from .chip import RegisterChip

_PERIOD_MS = 1000


class Model(RegisterChip):
    """eco2, tvoc and index are what it estimates; validity: 0 to 3; fault: it reports an error."""

    WRITABLE = (0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16)

    def __init__(self):
        super().__init__()
        self.eco2 = 600
        self.tvoc = 120
        self.index = 2
        self.validity = 0
        self.fault = False
        self.stuck = False  # it measures no more
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x00, (0x60, 0x01))
        self.started_ms = 0
        self.starts = 0

    def vary(self, random):
        self.eco2 = random.randrange(400, 65001)
        self.tvoc = random.randrange(65001)
        self.index = random.randrange(1, 6)

    def wrong_id(self):
        self.put(0x00, (0xE5, 0x00))  # an ADXL345's

    def wrote(self, register, value):
        if register == 0x10:
            if value == 0xF0:
                self.power_on()
            self.starts += 1
            self.started_ms = self.clock.now_ms

    def reads(self, register):
        runs = self.registers[0x10] == 2
        age_ms = self.clock.now_ms - self.started_ms
        if register == 0x20:
            new = runs and not self.stuck and age_ms >= _PERIOD_MS
            status = self.validity << 2 | (0x80 if runs else 0) | (0x40 if self.fault else 0)
            return status | (0x02 if new else 0)
        if 0x21 <= register <= 0x25 and runs and age_ms >= _PERIOD_MS:
            self.put(0x21, (self.index, self.tvoc & 255, self.tvoc >> 8))
            self.put(0x24, (self.eco2 & 255, self.eco2 >> 8))
            if register == 0x25:
                self.started_ms = self.clock.now_ms
        return self.registers[register]
