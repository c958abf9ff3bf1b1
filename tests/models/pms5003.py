"""The PMS5003: a frame by itself every 200 ms to 2.3 s, or on request in passive mode."""

from .uart import Talker


class Model(Talker):
    """words: its 13 numbers. period_ms: between the beginnings of frames. `damaged`: so many of
    the next frames have a wrong bit."""

    def __init__(self):
        super().__init__()
        self.words = [5, 8, 9, 4, 7, 10, 900, 270, 41, 6, 2, 1, 0x9100]
        self.period_ms = 2300
        self.damaged = 0
        self.passive = self.asleep = False
        self._next_ms = 0

    def attached(self):
        self._next_ms = self.clock.now_ms + 17

    def vary(self, random):
        self.words = [random.randrange(0x10000) for _ in range(13)]

    def run(self, now_ms):
        while self._next_ms <= now_ms:
            if not self.passive and not self.asleep:
                self.say(self.frame(), self._next_ms)
            self._next_ms += self.period_ms

    def heard(self, data):
        if len(data) != 7 or data[:2] != b"BM" or sum(data[:5]) != data[5] << 8 | data[6]:
            return
        command, argument = data[2], data[4]
        if command == 0xE1:
            self.passive = not argument
        elif command == 0xE4:
            self.asleep = not argument
        elif command == 0xE2 and self.passive:
            self.say(self.frame())

    def frame(self):
        """What it sends."""
        frame = bytearray(b"BM\0\x1c")
        for word in self.words:
            frame.extend(bytes([word >> 8, word & 255]))
        total = sum(frame)
        frame.extend(bytes([total >> 8, total & 255]))
        if self.damaged:
            self.damaged -= 1
            frame[12] ^= 4
        return frame
