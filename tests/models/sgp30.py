"""The SGP30: its 15 s after the start, its baselines."""

from .bus import Nack
from .sensirion import CommandChip

_WARM_UP_MS = 15000


class Model(CommandChip):
    """eco2 and tvoc are what it estimates; baseline: (eco2, tvoc), (0, 0) at power-on."""

    DURATIONS_MS = {
        0x2003: 10,  # start
        0x2008: 12,  # measure
        0x2015: 10,  # get the baseline
        0x201E: 10,  # set it
        0x202F: 10,  # feature set
        0x3682: 0.5,  # serial number
    }
    IDENTIFYING = (0x202F,)

    def __init__(self):
        super().__init__()
        self.eco2 = 415
        self.tvoc = 12
        self.features = 0x0022
        self.learnt = (0x8B02, 0x8E44)  # the baseline at which it arrives by itself
        self.power_on()

    def power_on(self):
        self.started_ms = None
        self.baseline = (0, 0)

    def vary(self, random):
        self.eco2 = random.randrange(400, 60001)
        self.tvoc = random.randrange(60001)

    def wrong_id(self):
        self.features = 0x1005  # the SGPC3

    def execute(self, command, words):
        if command == 0x2003:
            self.started_ms = self.clock.now_ms
            self.baseline = (0, 0)
        elif command == 0x2008:
            warm = self.started_ms is not None
            if not warm or self.clock.now_ms - self.started_ms < _WARM_UP_MS:
                return 400, 0
            if self.baseline == (0, 0):
                self.baseline = self.learnt
            return self.eco2, self.tvoc
        elif command == 0x2015:
            return self.baseline
        elif command == 0x201E:
            if len(words) != 2 or self.started_ms is None:
                raise Nack
            self.baseline = (words[1], words[0])
        elif command == 0x202F:
            return (self.features,)
        elif command == 0x3682:
            return 0x0000, 0x0055, 0x3E1D
