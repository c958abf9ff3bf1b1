"""The MAX17048 and MAX17043: the time to the first values, sleep, and reset by command."""

from .bus import Nack
from .chip import RegisterChip


class Model(RegisterChip):
    """raw_voltage (78.125 uV), raw_charge (1/256 %) and raw_rate (0.208 %/h) are what it finds.

    powered_ms: when it was switched on.
    """

    WRITABLE = (0x06, 0x0A, 0x0B, 0x0C, 0x0D, 0x14, 0x15, 0x18, 0x1A)
    VERSION = 0x0012
    HAS_RATE = True

    def __init__(self):
        super().__init__()
        self.raw_voltage = 48000  # 3.75 V
        self.raw_charge = 0x3264  # 50.39 %
        self.raw_rate = -25
        self.powered_ms = 0
        self.woken_ms = None
        self.power_on()

    def power_on(self):
        self.put(0, bytes(256))
        self.put(0x08, (self.VERSION >> 8, self.VERSION & 255))
        self.put(0x0A, (0x80, 0x30))
        self.put(0x0C, (0x97, 0x1C))
        self.put(0x14, (0x00, 0xFF))
        self.put(0x18, (0x96,))
        self.put(0x1A, (0x01,))

    def vary(self, random):
        self.raw_voltage = random.randrange(32000, 56000)  # 2.5 to 4.375 V
        self.raw_charge = random.randrange(0, 105 * 256)
        self.raw_rate = random.randrange(-500, 500)

    def wrong_id(self):
        self.put(0x08, (0xC0, 0x00))

    def write(self, data):
        if bytes(data) == b"\xfe\x54\x00":
            self.power_on()
            self.powered_ms = self.clock.now_ms
            raise Nack  # it resets before it could acknowledge
        slept = self.registers[0x0D] & 0x80
        super().write(data)
        if slept and not self.registers[0x0D] & 0x80:
            self.woken_ms = self.clock.now_ms

    def read(self, count):
        self.measure()
        return super().read(count)

    def measure(self):
        if self.registers[0x0D] & 0x80:
            return
        if self.woken_ms is not None and self.clock.now_ms < self.woken_ms + 500:
            return
        age_ms = self.clock.now_ms - self.powered_ms
        if age_ms >= 17:
            self.put(0x02, (self.raw_voltage >> 8, self.raw_voltage & 255))
        if age_ms >= 192:
            self.put(0x04, (self.raw_charge >> 8, self.raw_charge & 255))
            if self.HAS_RATE:
                self.put(0x16, (self.raw_rate >> 8 & 255, self.raw_rate & 255))


class Model17043(Model):
    """The voltage has 12 bits, and there is no rate."""

    VERSION = 0x0003
    HAS_RATE = False

    def __init__(self):
        super().__init__()
        self.raw_voltage &= 0xFFF0

    def vary(self, random):
        super().vary(random)
        self.raw_voltage &= 0xFFF0
