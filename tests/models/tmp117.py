"""The TMP117: continuous and one-shot conversion with averaging, the data-ready flag, reset."""

from .words import WordChip

_CONVERSION_MS = 17.5  # the longest


class Model(WordChip):
    """raw is the temperature in °C / 128, as a number with a sign."""

    def __init__(self, device_id=0x0117):
        super().__init__()
        self.device_id = device_id
        self.raw = 25 * 128
        self.now_ms = 0  # when it was powered on
        self.power_on()

    def power_on(self):
        self.config = 0x0220  # continuous, 8 averaged, one a second
        self.result = -0x8000
        self.ready = False
        self.next_ms = self.now_ms + 8 * _CONVERSION_MS

    def vary(self, random):
        """-55 to 150 °C."""
        self.raw = random.randrange(-55 * 128, 150 * 128 + 1)

    def wrong_id(self):
        self.device_id = 0x0118

    def averaged_ms(self):
        return (1, 8, 32, 64)[self.config >> 5 & 3] * _CONVERSION_MS

    def pass_time(self):
        self.now_ms = self.clock.now_ms
        if self.next_ms is None or self.now_ms < self.next_ms:
            return
        self.result = self.raw
        self.ready = True
        if self.config & 0x0C00 == 0x0C00:
            self.config = self.config & ~0x0C00 | 0x0400  # it shuts down
            self.next_ms = None
        else:
            self.next_ms = self.now_ms + max(1000, self.averaged_ms())

    def word(self, register):
        if register == 0:
            self.ready = False
            return self.result
        if register == 1:
            config = self.config | self.ready << 13
            self.ready = False
            return config
        return {2: 0x6000, 3: 0x8000, 15: self.device_id}.get(register, 0)

    def wrote(self, register, value):
        if register != 1:
            return
        if value & 2:
            self.power_on()
            return
        self.config = value & 0x0FFC
        mode = self.config & 0x0C00
        self.next_ms = None if mode == 0x0400 else self.now_ms + self.averaged_ms()
