"""The sensors of boards/simulated.json: chips on simulated buses, whose values move with time.

`build()` makes `machine`, `onewire` and `ds18x20` the simulated modules; what imports them
afterwards meets the chips.
"""

import math
import sys

from . import bh1750, bme280, ds18b20, gps, ina219, machine, mpu6050
from .bus import I2C
from .onewire import Wire
from .uart import UART

try:
    from time import ticks_diff, ticks_ms
except ImportError:
    from time import monotonic_ns

    def ticks_ms():
        return monotonic_ns() // 1000000

    def ticks_diff(end, start):
        return end - start


_STEP_MS = 50  # how often the values move


def build():
    """Power the sensors; returns the World."""
    for name in ("machine", "onewire", "ds18x20"):
        sys.modules[name] = __import__("models." + name, None, None, ("*",))
    machine.clear()
    return World()


class World:
    """The chips, and the time in which they live: real ms since it was made."""

    def __init__(self):
        # Ticks, since the clock may be set meanwhile.
        self._ticks = ticks_ms()
        self._passed_ms = 0
        self._moved_ms = None
        self.i2c = I2C(self)
        self.bme280 = self.i2c.attach(bme280.Model(), 0x76)
        self.mpu6050 = self.i2c.attach(mpu6050.Model(), 0x68)
        self.bh1750 = self.i2c.attach(bh1750.Model(), 0x23)
        self.ina219 = self.i2c.attach(ina219.Model(), 0x40)
        self.i2c.log = Forgetful()
        self.gps = gps.Model()
        self.uart = UART(self.gps, self, rxbuf=1024)
        self.uart.written = Forgetful()
        self.wire = Wire(self)
        self.tanks = [self.wire.attach(ds18b20.Model(serial)) for serial in (0xA1, 0xB2)]
        machine.buses.update({"i2c0": self.i2c, "uart1": self.uart})
        machine.Pin(4).wire = self.wire
        machine.Pin(27).source = self.door
        machine.Pin(35).level_uv = 1985000  # half of a battery's voltage
        self._moved_ms = -_STEP_MS

    @property
    def now_ms(self):
        ticks = ticks_ms()
        self._passed_ms += ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        now_ms = self._passed_ms
        if self._moved_ms is not None and now_ms - self._moved_ms >= _STEP_MS:
            self._moved_ms = now_ms
            self.move(now_ms)
        return now_ms

    def door(self):
        """It is opened for 5 s every 10 s."""
        return self.now_ms // 5000 % 2

    def move(self, now_ms):
        """Give the chips the values of this moment."""

        def wave(period_s, size):
            part = now_ms % (period_s * 1000) / (period_s * 1000)
            return int(size * math.sin(2 * math.pi * part))

        self.bme280.raw_temperature = 511500 + wave(60, 9500)  # some 22 °C, give or take 3
        self.bme280.raw_pressure = 412000 + wave(300, 900)
        self.bme280.raw_humidity = 27500 - wave(90, 1800)
        self.mpu6050.acceleration = [wave(4, 500), wave(7, 330), 16384 + wave(1, 80)]
        self.mpu6050.rotation = [wave(4, 700), wave(7, 500), wave(2, 60)]
        self.bh1750.illuminance = 480 + wave(120, 300)
        running = now_ms // 4000 % 4 > 0
        self.ina219.raw_shunt = 4200 + wave(2, 300) if running else 60
        self.ina219.raw_bus = 3000 - (45 if running else 0)
        for tank, size in zip(self.tanks, (90, 30)):
            tank.raw = 16 * 41 + wave(120, size)
        self.gps.lat_e7 = 472852332 + wave(60, 9000)
        self.gps.lon_e7 = 85652650 + wave(60, 13000)
        self.gps.speed_mkn = 1800 + wave(30, 600)


class Forgetful:
    """In place of a bus's log, which would grow as long as the program runs."""

    def append(self, item):
        pass
