"""The SCD4x: idle and measuring, what it refuses while it measures, its settings."""

from .bus import Nack
from .sensirion import CommandChip

_WHILE_MEASURING = (0xEC05, 0x3F86, 0xE000, 0xE4B8)
_PERIOD_MS = 5000


class Model(CommandChip):
    """co2, temperature and humidity are its raw words; settings: by the command that sets them."""

    DURATIONS_MS = {
        0x21B1: 0,  # start periodic measurement
        0x3F86: 500,  # stop it
        0xE4B8: 1,  # data ready
        0xEC05: 1,  # read the measurement
        0x241D: 1,  # set temperature offset
        0x2318: 1,  # get it
        0x2427: 1,  # set altitude
        0x2322: 1,  # get it
        0xE000: 1,  # set ambient pressure
        0x3682: 1,  # serial number
        0x202F: 1,  # variant
    }

    IDENTIFYING = (0xE4B8, 0x202F)

    def __init__(self, variant=0x1440):
        super().__init__()
        self.co2 = 500
        self.temperature = 0x6667
        self.humidity = 0x5EB9
        self.variant = variant
        self.power_on()

    def power_on(self):
        self.settings = {0x241D: 0x05DA, 0x2427: 0}
        self.started_ms = None  # when the measurement under way began
        self.asking = False

    def vary(self, random):
        self.co2 = random.randrange(40001)
        self.temperature = random.randrange(65536)
        self.humidity = random.randrange(65536)

    def wrong_id(self):
        self.bad_checksum = True

    def run(self, command, words):
        if self.started_ms is not None and command not in _WHILE_MEASURING:
            raise Nack
        super().run(command, words)

    def is_ready(self):
        return self.started_ms is not None and self.clock.now_ms - self.started_ms >= _PERIOD_MS

    def execute(self, command, words):
        if command == 0x21B1:
            self.started_ms = self.clock.now_ms
        elif command == 0x3F86:
            self.started_ms = None
        elif command == 0xE4B8:
            # Only the lowest 11 bits say it; what the others are is not defined.
            return (0xF806 if self.is_ready() else 0xF800,)
        elif command == 0xEC05:
            if not self.is_ready():
                raise Nack
            self.started_ms = self.clock.now_ms
            return self.co2, self.temperature, self.humidity
        elif command in (0x241D, 0x2427, 0xE000):
            if len(words) != 1:
                raise Nack
            self.settings[command] = words[0]
        elif command == 0x2318:
            return (self.settings[0x241D],)
        elif command == 0x2322:
            return (self.settings[0x2427],)
        elif command == 0x3682:
            return 0xF896, 0x9F07, 0x3BBE
        elif command == 0x202F:
            return (self.variant,)
