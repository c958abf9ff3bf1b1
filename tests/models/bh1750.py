"""The BH1750FVI: one-time and continuous modes, and the measurement time register."""


class Model:
    """illuminance is what falls on it, in lx; one count is 1 / 1.2 lx at the usual settings."""

    clock = None

    def __init__(self):
        self.illuminance = 500.0
        self.power_on()

    def power_on(self):
        self.count = 0
        self.time = 69
        self.mode = None
        self.done_ms = None

    def vary(self, random):
        self.illuminance = random.randrange(1, 2700000) / 100

    def write(self, data):
        if len(data) != 1:
            return  # it takes no more than one instruction at once
        code = data[0]
        if code == 0x00:
            self.mode = None
        elif code == 0x07:
            self.count = 0
        elif code >> 3 == 0b01000:
            self.time = self.time & 0x1F | (code & 7) << 5
        elif code >> 5 == 0b011:
            self.time = self.time & 0xE0 | code & 0x1F
        elif code in (0x10, 0x11, 0x13, 0x20, 0x21, 0x23):
            self.mode = code
            # The longest time; the mode of low resolution does not care for the register.
            self.done_ms = self.clock.now_ms + (24 if code & 2 else 180 * self.time / 69)

    def read(self, count):
        if self.mode is not None and self.clock.now_ms >= self.done_ms:
            counts = self.illuminance * 1.2 * self.time / 69 * (2 if self.mode & 1 else 1)
            self.count = min(int(counts), 65535)
            if self.mode & 0x20:
                self.mode = None
        return bytes((self.count >> 8, self.count & 255))[:count]
