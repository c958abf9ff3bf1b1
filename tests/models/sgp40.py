"""The SGP40: the raw signal, and what it was told of the air."""

from .bus import Nack
from .sensirion import CommandChip


class Model(CommandChip):
    """raw is its signal; compensation: the words of humidity and temperature that came last."""

    DURATIONS_MS = {
        0x260F: 30,  # measure
        0x280E: 250,  # self-test
        0x3615: 1,  # heater off
        0x3682: 1,  # serial number
        0x202F: 10,  # feature set
    }
    IDENTIFYING = (0x202F,)

    def __init__(self):
        super().__init__()
        self.raw = 30000
        self.features = 0x3220
        self.compensation = None

    def vary(self, random):
        self.raw = random.randrange(65536)

    def wrong_id(self):
        self.features = 0x3240  # the SGP41

    def execute(self, command, words):
        if command == 0x260F:
            if len(words) != 2:
                raise Nack
            self.compensation = tuple(words)
            return (self.raw,)
        if command == 0x280E:
            return (0xD400,)
        if command == 0x3682:
            return 0x0000, 0x00A5, 0x1234
        if command == 0x202F:
            return (self.features,)
