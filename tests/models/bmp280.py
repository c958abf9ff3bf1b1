"""The BMP280: trimming values, oversampling, forced and normal mode, and the time they take."""

from struct import pack

from .chip import RegisterChip

# The worked example of the datasheet (BST-BMP280-DS001, section 3.12): T1 to T3, P1 to P9.
TRIM = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
RAW_TEMPERATURE, RAW_PRESSURE = 519888, 415148


class Model(RegisterChip):
    """raw_temperature and raw_pressure are what its converter gives (20 bits)."""

    WRITABLE = (0xF4, 0xF5)
    ID = 0x58

    def __init__(self):
        super().__init__()
        self.raw_temperature = RAW_TEMPERATURE
        self.raw_pressure = RAW_PRESSURE
        self.done_ms = None  # when the measurement that runs ends
        self.power_on()

    def power_on(self):
        self.put(0xD0, (self.ID,))
        self.put(0x88, pack("<HhhHhhhhhhhh", *TRIM))
        self.put(0xF7, (0x80, 0, 0, 0x80, 0, 0, 0x80, 0))

    def vary(self, random):
        """Other raw values, within what the chip's range gives with this trimming (0 to 65 °C)."""
        self.raw_temperature = random.randrange(440000, 650000)
        self.raw_pressure = random.randrange(250000, 560000)

    def wrong_id(self):
        self.put(0xD0, (0x11,))

    def write(self, data):
        # The configuration may be ignored in normal mode (section 4.3.5).
        normal = self.registers[0xF4] & 3 == 3
        before = self.registers[0xF5]
        super().write(data)
        if normal and data[0] == 0xF5:
            self.registers[0xF5] = before

    def wrote(self, register, value):
        if register == 0xE0 and value == 0xB6:
            self.put(0xF2, bytes(4))
            self.power_on()
        if register == 0xF4 and value & 3:
            self.done_ms = self.clock.now_ms + self.duration_ms(value)

    def duration_ms(self, control):
        """The typical time (section 3.8.1 and table 13)."""
        samples = [(0, 1, 2, 4, 8, 16, 16, 16)[bits] for bits in (control >> 5, control >> 2 & 7)]
        return 1 + 2 * sum(samples) + 0.5

    def reads(self, register):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            self.done_ms = None
            self.convert()
            if self.registers[0xF4] & 3 != 3:
                self.registers[0xF4] &= ~3  # back to sleep after a forced measurement
        if register == 0xF3:
            return 0x08 if self.done_ms is not None else 0
        return self.registers[register]

    def convert(self):
        control = self.registers[0xF4]
        pressure = self.raw_pressure if control >> 2 & 7 else 0x80000
        temperature = self.raw_temperature if control >> 5 else 0x80000
        self.put(0xF7, (pressure >> 12, pressure >> 4 & 255, pressure << 4 & 255))
        self.put(0xFA, (temperature >> 12, temperature >> 4 & 255, temperature << 4 & 255))
