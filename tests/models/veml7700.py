"""The VEML7700: words, least significant byte first; a shut-down that keeps the last data."""

GAINS = (1, 2, 0.125, 0.25)
TIMES_MS = {0xC: 25, 0x8: 50, 0x0: 100, 0x1: 200, 0x2: 400, 0x3: 800}


class Model:
    """illuminance is what falls on it, in lx before any correction (0.0042 lx a count at best)."""

    clock = None

    def __init__(self):
        self.illuminance = 300.0
        self.identity = 0xC481
        self.power_on()

    def power_on(self):
        self.words = [1, 0, 0, 0, 0, 0, 0, self.identity]
        self.pointer = 0
        self.done_ms = None

    def vary(self, random):
        # From 0.01 to 23988 lx (140 klx when corrected), equally often in each decade.
        self.illuminance = 10 ** (random.randrange(-200, 439) / 100)

    def wrong_id(self):
        self.words[7] = 0

    def write(self, data):
        self.pointer = data[0]
        if len(data) < 3 or self.pointer > 3:
            return
        value = data[1] | data[2] << 8
        if self.pointer == 0:
            woken = self.words[0] & 1 and not value & 1
            wait_ms = TIMES_MS[value >> 6 & 15] + (2.5 if woken else 0)
            self.done_ms = None if value & 1 else self.clock.now_ms + wait_ms
        self.words[self.pointer] = value

    def read(self, count):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            configuration = self.words[0]
            time_ms = TIMES_MS[configuration >> 6 & 15]
            gain = GAINS[configuration >> 11 & 3]
            self.words[4] = min(int(self.illuminance * gain * time_ms / 6.72), 65535)
            self.done_ms = self.clock.now_ms + time_ms
        value = self.words[self.pointer] if self.pointer < 8 else 0
        return bytes((value & 255, value >> 8))[:count]
