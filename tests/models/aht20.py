"""The AHT20, and the AHT10, which has another command to begin with and no checksum."""

from .bus import Nack
from .sensirion import checksum


class Model:
    """raw_temperature and raw_humidity have 20 bits. busy_ms: how long a measurement takes."""

    INITIALIZE = 0xBE
    AT_POWER_ON = 0x18  # the status: calibrated, as these chips are sold
    clock = None

    def __init__(self):
        self.bad_checksum = False
        self.broken = False  # it never says that it is calibrated
        self.busy_ms = 80
        self.raw_temperature = 393216
        self.raw_humidity = 524288
        self.power_on()

    def power_on(self):
        self.status = self.AT_POWER_ON
        self.done_ms = 0
        self.data = bytes(5)

    def vary(self, random):
        self.raw_temperature = random.randrange(1 << 20)
        self.raw_humidity = random.randrange(1 << 20)

    def write(self, data):
        command = data[0]
        if command == 0xBA:
            self.power_on()
        elif command == self.INITIALIZE and data[1:] == b"\x08\x00":
            self.status |= 0x08
        elif command == 0xAC and data[1:] == b"\x33\x00":
            self.done_ms = self.clock.now_ms + self.busy_ms
            both = self.raw_humidity << 20 | self.raw_temperature
            self.data = both.to_bytes(5, "big")
        elif command != 0x71:
            raise Nack

    def read(self, count):
        status = self.status & ~(0x08 if self.broken else 0)
        busy = self.clock.now_ms < self.done_ms
        data = bytes((status | (0x80 if busy else 0),)) + (bytes(5) if busy else self.data)
        return (data + self.tail(data) + b"\xff" * count)[:count]

    def tail(self, data):
        return bytes((checksum(data) ^ (1 if self.bad_checksum else 0),))


class AHT10(Model):
    """It has to be told to load its calibration after each power-on."""

    INITIALIZE = 0xE1
    AT_POWER_ON = 0x00

    def tail(self, data):
        return b""
