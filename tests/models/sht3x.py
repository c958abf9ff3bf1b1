"""The SHT3x: single shots, periodic measurement, the status register and the serial number."""

from .bus import Nack
from .sensirion import CommandChip

_SINGLE_SHOTS = {0x2400: 15.5, 0x240B: 6.5, 0x2416: 4.5}  # without clock stretching
_PERIODIC = (0x2032, 0x2130, 0x2236, 0x2334, 0x2737)


class Model(CommandChip):
    """temperature and humidity are its raw words; periodic: it measures periodically."""

    DURATIONS_MS = {
        0x3093: 1,  # break
        0x30A2: 1.5,  # soft reset
        0x3041: 0,  # clear status
        0x306D: 0,  # heater on
        0x3066: 0,  # heater off
        0xE000: 0,  # fetch data
        0xF32D: 0,  # status
        0x3780: 0,  # serial number
    }
    DURATIONS_MS.update(_SINGLE_SHOTS)
    DURATIONS_MS.update(dict.fromkeys(_PERIODIC, 0))

    def __init__(self):
        super().__init__()
        self.temperature = 0x6666
        self.humidity = 0x8000
        self.periodic = False
        self.status = 0x8010  # an alert, and that it was reset

    def vary(self, random):
        self.temperature = random.randrange(65536)
        self.humidity = random.randrange(65536)

    def wrong_id(self):
        self.status = 0xFFFF

    def execute(self, command, words):
        if command in _PERIODIC:
            self.periodic = True
        elif command in _SINGLE_SHOTS or command == 0x30A2:
            if self.periodic:
                raise Nack
            if command == 0x30A2:
                self.status = 0x8010
            else:
                return self.temperature, self.humidity
        elif command == 0x3093:
            self.periodic = False
        elif command == 0xE000:
            return (self.temperature, self.humidity) if self.periodic else None
        elif command == 0xF32D:
            return (self.status,)
        elif command == 0x3780:
            return 0x1234, 0x5678
        elif command == 0x3041:
            self.status &= ~0x8C10
        elif command == 0x306D:
            self.status |= 0x2000
        elif command == 0x3066:
            self.status &= ~0x2000
