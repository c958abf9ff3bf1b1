"""ROHM BH1750FVI: illuminance.

Technical note BH1750FVI (ROHM, revision D): instruction set architecture, and "adjust measurement
result for influence of optical window" for the measurement time register.
"""

from ..port import const
from .i2c import I2CDriver

_ONE_TIME = const(0x20)  # in the H-resolution mode; 0x21: in the H-resolution mode 2
_TIME_HIGH = const(0x40)
_TIME_LOW = const(0x60)


class BH1750(I2CDriver):
    """Yields illuminance (lx); a read is one measurement, between which the chip is off.

    resolution: 1 or 0.5 lx; at 0.5 it measures half as far (27000 lx). time: the measurement time
    register, 31 to 254; the usual 69 is 120 ms. A longer time gives a finer value and a narrower
    range, a shorter one up to 121000 lx. It has no id: what is at its address is taken for it.
    """

    ADDRESSES = (0x23, 0x5C)
    METRICS = {"illuminance": "lx"}
    # The largest count at the shortest time.
    RANGES = ("illuminance", 0, 121557)

    def __init__(self, bus, address=None, resolution=1, time=69):
        from .checks import choice

        super().__init__(bus, address)
        if not isinstance(time, int) or not 31 <= time <= 254:
            raise ValueError("time: %r; give 31 to 254" % (time,))
        self._fine = choice("resolution", resolution, (1, 0.5)) == 1
        self._time = time

    def measure(self):
        # One at a time: it takes no two instructions in a transfer.
        self.transmit(bytes((_TIME_HIGH | self._time >> 5,)))
        self.transmit(bytes((_TIME_LOW | self._time & 31,)))
        self.transmit(bytes((_ONE_TIME | self._fine,)))
        yield (180 * self._time + 68) // 69  # the longest of 120 ms (typical)
        data = self.receive(2)
        count = data[0] << 8 | data[1]
        if count == 65535:
            raise self.error("too bright; give it a shorter time, or resolution=1")
        # count / 1.2 * 69 / time, and half of it in mode 2: in 0.01 lx, below 2^29.
        lx_100 = (count * (2875 if self._fine else 5750) + self._time // 2) // self._time
        yield "illuminance", lx_100 / 100
