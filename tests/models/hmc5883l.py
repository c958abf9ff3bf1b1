"""The HMC5883L: its pointer, single and continuous measurements, a gain that comes late."""

from .chip import RegisterChip
from .sampled import vector, words

PER_GAUSS = (1370, 1090, 820, 660, 440, 390, 330, 230)


class Model(RegisterChip):
    """field in 1/1370 gauss. stuck: no measurement ends."""

    WRITABLE = (0x00, 0x01, 0x02)

    def __init__(self):
        super().__init__()
        self.field = [274, -137, 685]  # x, y, z: 20, -10 and 50 µT
        self.stuck = False
        self.power_on()

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x00, (0x10, 0x20, 0x01))
        self.put(0x0A, b"H43")
        self.gain_bits = 1  # in effect
        self.done_ms = None

    def wrong_id(self):
        self.put(0x0A, b"H53")

    def vary(self, random):
        """Within the range that is set."""
        end = 2040 * 1370 // PER_GAUSS[self.registers[0x01] >> 5]
        self.field = vector(random, end)

    def wrote(self, register, value):
        if register == 0x02:
            self.done_ms = None if value & 2 else self.clock.now_ms + 6
            self.registers[0x09] = 0

    def read(self, count):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms and not self.stuck:
            self.done_ms = None
            self.convert()
        data = bytearray()
        for _ in range(count):
            # Only these exist; others read as 0.
            data.append(self.registers[self.pointer] if self.pointer <= 12 else 0)
            if 3 <= self.pointer <= 8:
                self.registers[0x09] &= ~1
            self.pointer = 3 if self.pointer == 8 else 0 if self.pointer >= 12 else self.pointer + 1
        return data

    def convert(self):
        values = []
        for value in self.field:
            value = round(value * PER_GAUSS[self.gain_bits] / 1370)
            values.append(value if -2048 <= value <= 2047 else -4096)
        x, y, z = values
        self.put(0x03, words(">", (x, z, y)))
        self.gain_bits = self.registers[0x01] >> 5
        self.registers[0x09] = 1
        if self.registers[0x02] & 3 == 1:
            self.registers[0x02] = 3  # idle after a single measurement
        else:
            self.done_ms = self.clock.now_ms + 67  # 15 Hz
