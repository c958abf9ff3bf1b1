"""The VL53L0X: pages of registers, its memory with the SPADs, calibration, single ranging.

ST publishes no registers: this is what its API reads and writes, and what it expects to see.
"""

from .chip import RegisterChip

STOP_VARIABLE = 0x3C
GOOD_SPADS = bytes((0xFF, 0xDF, 0xFD, 0xBF, 0xFF, 0x0F))


class Model(RegisterChip):
    """distance (mm) and status (11: a target) are what it finds. spads: their number, and 0x80
    for those with an aperture.

    Without its calibrations, its SPADs or the stop variable it finds no target. broken: it begins
    to measure and never ends.
    """

    WRITABLE = tuple(range(255))

    def __init__(self):
        super().__init__()
        self.distance = 250
        self.status = 11
        self.spads = 0x85
        self.broken = False
        self.power_on()

    def power_on(self):
        self.pages = {0: self.registers}
        self.put(0, bytes(256))
        self.put(0xC0, (0xEE, 0xAA, 0x10))
        self.put(0x01, (0xFF, 0))
        self.put(0x84, (0x11,))
        self.put(0xB0, GOOD_SPADS)
        self.page = 0
        self.page_of(1)[0x91] = STOP_VARIABLE
        self.page_of(6)[0x83] = 0x20
        self.calibrated = set()
        self.done_ms = None
        self.memory_ms = None

    def vary(self, random):
        self.distance = random.randrange(5, 2000)

    def wrong_id(self):
        self.pages[0][0xC0] = 0xEA

    def page_of(self, number):
        if number not in self.pages:
            self.pages[number] = bytearray(256)
        return self.pages[number]

    def wrote(self, register, value):
        if register == 0xFF:
            self.page = value
            self.registers = self.page_of(value)
        elif self.page == 7 and register == 0x83 and not value:
            # Reads what 0x94 asks for; that is the SPADs' word here.
            if self.registers[0x94] == 0x6B and not self.broken:
                self.memory_ms = self.clock.now_ms + 3
        elif self.page == 0 and register == 0x00 and value & 1:
            self.registers[0] &= 0xFE  # a single one begins, and this bit is gone
            if not self.broken:
                self.done_ms = self.clock.now_ms + self.begin(value)
        elif self.page == 0 and register == 0x0B and value & 1:
            self.registers[0x13] &= 0xF8

    def begin(self, start):
        sequence = self.registers[0x01]
        if sequence in (1, 2) and start == (0x41 if sequence == 1 else 0x01):
            self.calibrated.add(sequence)
            return 30
        return self.duration_us(sequence) / 1000

    def duration_us(self, sequence):
        """What ST's API reckons for the timeouts set."""

        def timeout(register):
            return (self.registers[register + 1] << self.registers[register]) + 1

        def lasts_us(clocks, periods):
            clock_ns = (2304 * periods * 1655 + 500) // 1000
            return (clocks * clock_ns + clock_ns // 2) // 1000

        before, after = [(self.registers[i] + 1) * 2 for i in (0x50, 0x70)]
        msrc_us = lasts_us(self.registers[0x46] + 1, before)
        total_us = 1910 + 960
        if sequence & 0x10:
            total_us += msrc_us + 590
        if sequence & 0x08:
            total_us += 2 * (msrc_us + 690)
        elif sequence & 0x04:
            total_us += msrc_us + 660
        first = timeout(0x51) if sequence & 0x40 else 0
        if first:
            total_us += lasts_us(first, before) + 660
        if sequence & 0x80:
            total_us += lasts_us(timeout(0x71) - first, after) + 550
        return total_us

    def reads(self, register):
        if self.memory_ms is not None and self.clock.now_ms >= self.memory_ms:
            self.memory_ms = None
            self.page_of(7)[0x83] = 0x10
            self.page_of(7)[0x92] = self.spads
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            self.done_ms = None
            self.finish()
        return self.registers[register]

    def finish(self):
        first = self.pages[0]
        usable = (
            self.calibrated == {1, 2}
            and self.page_of(1)[0x91] == STOP_VARIABLE
            and self.spads_enabled() == self.spads & 0x7F
        )
        status = self.status if usable else 4
        distance = self.distance if status == 11 else 8191
        first[0x14] = status << 3 | 1
        first[0x1E] = distance >> 8
        first[0x1F] = distance & 255
        first[0x13] = 0x40 | first[0x0A] & 7

    def spads_enabled(self):
        chosen, start = self.pages[0][0xB0:0xB6], 12 if self.spads & 0x80 else 0
        bits = [chosen[i >> 3] >> (i & 7) & GOOD_SPADS[i >> 3] >> (i & 7) & 1 for i in range(48)]
        return -1 if any(bits[:start]) else sum(bits)
