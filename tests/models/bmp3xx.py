"""The BMP388 and BMP390: trimming values, forced mode, data-ready bits, and the time it takes."""

from struct import pack

from .bosch import BoschChip

# Trimming of a chip as they are sold: T1 to T3, P1 to P11.
TRIM = (27574, 18685, -10, -97, -1276, 35, 0, 25256, 30711, -13, -10, 16230, 19, -60)


class Model(BoschChip):
    """raw_temperature and raw_pressure are what its converter gives (24 bits)."""

    WRITABLE = (0x1B, 0x1C, 0x1D, 0x1F)

    def __init__(self, chip_id=0x60):
        super().__init__()
        self.chip_id = chip_id  # 0x50: a BMP388
        self.trim = TRIM
        self.raw_temperature = 8495681
        self.raw_pressure = 6900000
        self.power_on()

    def power_on(self):
        self.done_ms = None  # when the measurement that runs ends
        self.registers[:] = bytes(256)
        self.put(0x00, (self.chip_id, 1))
        self.put(0x03, (0x10,))
        self.put(0x04, (0, 0, 0x80, 0, 0, 0x80))
        self.put(0x1C, (0x02,))
        self.put(0x31, pack("<HHbhhbbHHbbhbb", *self.trim))

    def vary(self, random):
        """Other raw values: with this trimming -40 to 85 °C and about 300 to 1250 hPa."""
        self.raw_temperature = random.randrange(4760000, 11900000)
        self.raw_pressure = random.randrange(6100000, 11000000)

    def wrong_id(self):
        self.put(0x00, (0x11,))

    def wrote(self, register, value):
        if register == 0x7E and value == 0xB6:
            self.power_on()
        if register == 0x1B and value & 0x30 in (0x10, 0x20):
            self.done_ms = self.clock.now_ms + self.duration_ms()

    def duration_ms(self):
        """The typical time (section 3.9.2)."""
        power, oversampling = self.registers[0x1B], self.registers[0x1C]
        time_us = 234
        if power & 1:
            time_us += 392 + 2020 * 2 ** (oversampling & 7)
        if power & 2:
            time_us += 313 + 2020 * 2 ** (oversampling >> 3 & 7)
        return time_us / 1000

    def pass_time(self):
        if self.done_ms is None or self.clock.now_ms < self.done_ms:
            return
        self.done_ms = None
        power = self.registers[0x1B]
        self.registers[0x1B] &= ~0x30  # back to sleep
        if power & 1:
            self.put(0x04, pack("<I", self.raw_pressure)[:3])
            self.registers[0x03] |= 0x20
        if power & 2:
            self.put(0x07, pack("<I", self.raw_temperature)[:3])
            self.registers[0x03] |= 0x40

    def reads(self, register):
        if 0x04 <= register <= 0x06:
            self.registers[0x03] &= ~0x20
        if 0x07 <= register <= 0x09:
            self.registers[0x03] &= ~0x40
        return self.registers[register]
