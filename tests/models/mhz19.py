"""The MH-Z19: answers on request, with numbers that mean nothing until it is warm."""

from .uart import Talker

_WARM_UP_MS = 180000
_ANSWER_MS = 20


class Model(Talker):
    """co2 in ppm. damaged, mute: so many of the next answers have a wrong bit, or stay out."""

    def __init__(self):
        super().__init__()
        self.co2 = 544
        self.power_on()
        self.damaged = self.mute = 0

    def power_on(self):
        self.range_ppm = 5000
        self.self_calibration = True
        self.warm_ms = None

    def attached(self):
        self.warm_ms = self.clock.now_ms + _WARM_UP_MS

    def vary(self, random):
        self.co2 = random.randrange(400, 5000)

    def heard(self, data):
        if len(data) != 9 or data[:2] != b"\xff\x01" or sum(data[1:]) & 255:
            return
        command = data[2]
        if command == 0x79:
            self.self_calibration = data[3] == 0xA0
        elif command == 0x99:
            self.range_ppm = data[6] << 8 | data[7]
        elif command == 0x86 and self.mute:
            self.mute -= 1
        elif command == 0x86:
            co2 = min(self.co2, self.range_ppm)
            if self.clock.now_ms < self.warm_ms:
                co2 = 410
            answer = bytearray((0xFF, 0x86, co2 >> 8, co2 & 255, 65, 0, 0, 0, 0))
            answer[8] = -sum(answer[1:]) & 255
            if self.damaged:
                self.damaged -= 1
                answer[3] ^= 1
            self.say(answer, self.clock.now_ms + _ANSWER_MS)
