"""The SCD30: continuous measurement, settings that it keeps in flash memory."""

from struct import pack, unpack

from .bus import Nack
from .sensirion import CommandChip

_KEPT = (0x4600, 0x5102, 0x5403, 0x5306)


class Model(CommandChip):
    """co2, temperature and humidity are floats; kept: its settings by their commands.

    writes: how often a setting was written. pressure: that of the last start, None if it does
    not measure.
    """

    DURATIONS_MS = {
        0x0010: 3,  # start continuous measurement, with the pressure
        0x0104: 3,  # stop it
        0x0202: 3,  # data ready
        0x0300: 3,  # read the measurement
        0x4600: 3,  # interval
        0x5102: 3,  # altitude
        0x5403: 3,  # temperature offset
        0x5306: 3,  # automatic calibration
        0xD100: 3,  # version of the firmware
    }
    IDENTIFYING = (0xD100,)

    def __init__(self):
        super().__init__()
        # Of the interface description's example: 439 ppm, 27.2 °C, 48.8 %.
        self.co2, self.temperature, self.humidity = unpack(
            ">fff", bytes.fromhex("43db8c2e41d9e7ff42433a1b")
        )
        self.version = 0x0342
        self.kept = {0x4600: 2, 0x5102: 0, 0x5403: 0, 0x5306: 1}
        self.writes = 0
        self.power_on()

    def power_on(self):
        self.pressure = None
        self.started_ms = 0

    def vary(self, random):
        self.co2 = random.randrange(1, 400000) / 10
        self.temperature = random.randrange(-4000, 7000) / 100
        self.humidity = random.randrange(10001) / 100

    def wrong_id(self):
        self.version = 0

    def is_ready(self):
        if self.pressure is None:
            return False
        return self.clock.now_ms - self.started_ms >= 1000 * self.kept[0x4600]

    def execute(self, command, words):
        if command == 0x0010:
            if len(words) != 1:
                raise Nack
            if self.pressure is None:
                self.started_ms = self.clock.now_ms
            self.pressure = words[0]
        elif command == 0x0104:
            self.pressure = None
        elif command == 0x0202:
            return (1 if self.is_ready() else 0,)
        elif command == 0x0300:
            if not self.is_ready():
                raise Nack
            self.started_ms = self.clock.now_ms
            return unpack(">6H", pack(">fff", self.co2, self.temperature, self.humidity))
        elif command in _KEPT:
            if not words:
                return (self.kept[command],)
            self.kept[command] = words[0]
            self.writes += 1
        elif command == 0xD100:
            return (self.version,)
