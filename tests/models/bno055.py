"""The BNO055: start-up, modes and the time between them, pages, units, states, errors."""

from .bus import Nack
from .chip import RegisterChip
from .sampled import vector, words

SETTINGS = (0x3B, 0x3E, 0x3F, 0x40, 0x41, 0x42)  # to be written in the configuration mode only


class Model(RegisterChip):
    """What the chip gives: acceleration, linear and gravity in 1/100 m/s², field in 1/16 µT,
    rotation in 1/16 °/s, angles in 1/16 °, quaternion in 1/16384.

    system_error: the number of an error that only a reset ends.
    """

    def __init__(self):
        super().__init__()
        self.acceleration = [0, 20, 981]
        self.linear = [0, 20, 0]
        self.gravity = [0, 0, 981]
        self.field = [320, -160, 800]
        self.rotation = [16, -32, 0]
        self.angles = [1440, -160, 80]
        self.quaternion = [11585, 0, 0, -11585]
        self.temperature = 25
        self.calibration = 0b11100100  # system 3, gyroscope 2, accelerometer 1, magnetometer 0
        self.power_on()
        self.booted_ms = None  # attached while it has power for long

    def power_on(self):
        self.registers = bytearray(256)
        self.put(0x00, (0xA0, 0xFB, 0x32, 0x0F))
        self.put(0x34, (self.temperature,))
        self.put(0x36, (0x0F,))
        self.put(0x3B, (0x80,))
        self.system_error = 0
        self.switched_ms = None  # when the mode that was written is in effect
        self.mode = 0  # in effect
        self.data_ms = None  # when the fusion has its first result
        self.booted_ms = self.clock.now_ms + 650 if self.clock else None

    def wrong_id(self):
        self.put(0x01, (0xFA,))

    def vary(self, random):
        self.acceleration = vector(random, 3900)
        self.linear = vector(random, 3900)
        self.gravity = vector(random, 981)
        self.field = vector(random, 32000)
        self.rotation = vector(random, 32000)
        self.angles = [random.randrange(0, 5760), random.randrange(-1440, 1440), 0]
        self.angles[2] = random.randrange(-2880, 2880)
        parts = vector(random, 16384) + [random.randrange(1000, 16385)]
        length = sum([part * part for part in parts]) ** 0.5
        self.quaternion = [round(part * 16384 / length) for part in parts]
        self.temperature = random.randrange(-40, 86)
        self.calibration = random.randrange(256)

    def advance(self):
        now_ms = self.clock.now_ms
        if self.booted_ms is not None:
            if now_ms < self.booted_ms:
                raise Nack
            self.booted_ms = None
        if self.switched_ms is not None and now_ms >= self.switched_ms:
            self.switched_ms = None
            self.mode = self.registers[0x3D] & 15
            self.data_ms = now_ms + 30 if self.mode == 0x0C else None
            if not self.mode:
                self.put(0x08, bytes(0x2C))
        fused = self.data_ms is not None and now_ms >= self.data_ms
        if fused:
            for register, values in (
                (0x08, self.acceleration),
                (0x0E, self.field),
                (0x14, self.rotation),
                (0x1A, self.angles),
                (0x20, self.quaternion),
                (0x28, self.linear),
                (0x2E, self.gravity),
            ):
                self.put(register, words("<", values))
            self.put(0x34, (self.temperature & 255, self.calibration))
        state = 1 if self.system_error else 5 if self.mode == 0x0C else 0
        self.put(0x39, (state, self.system_error))

    def write(self, data):
        self.advance()
        super().write(data)

    def read(self, count):
        self.advance()
        return super().read(count)

    def wrote(self, register, value):
        if register == 0x07:
            self.registers[0x07] = value
        elif self.registers[0x07] == 1:
            pass
        elif register == 0x3D:
            mode = value & 15
            self.registers[0x3D] = mode
            if mode != self.mode:
                self.switched_ms = self.clock.now_ms + (7 if mode else 19)
        elif register in SETTINGS and not self.mode and self.switched_ms is None:
            if register == 0x3F and value & 0x20:
                self.power_on()
                raise Nack
            self.registers[register] = value

    def reads(self, register):
        if self.registers[0x07] == 1 and register != 0x07:
            return 0x55
        return super().reads(register)
