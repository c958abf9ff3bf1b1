"""The SHT4x: single shots of three kinds, and the serial number. Its commands have 8 bits."""

from .bus import Nack
from .sensirion import CommandChip


class Model(CommandChip):
    """temperature and humidity are its raw words."""

    DURATIONS_MS = {0xFD: 8.3, 0xF6: 4.5, 0xE0: 1.6, 0x94: 1, 0x89: 10}
    IDENTIFYING = (0x89,)

    def __init__(self):
        super().__init__()
        self.temperature = 0x6666
        self.humidity = 0x8000

    def vary(self, random):
        self.temperature = random.randrange(65536)
        self.humidity = random.randrange(65536)

    def wrong_id(self):
        self.bad_checksum = True

    def write(self, data):
        self.idle()
        if len(data) != 1:
            raise Nack
        self.run(data[0], [])

    def execute(self, command, words):
        if command == 0x89:
            return 0x0BAD, 0xCAFE
        return None if command == 0x94 else (self.temperature, self.humidity)
