"""ScioSense ENS160 (also ENS161): equivalent CO2, volatile organic compounds, air quality index.

Datasheet ENS160, revision 0.95, section 16 (registers).
"""

from ..port import const
from .i2c import I2CDriver

_PART_ID = const(0x00)
_MODE = const(0x10)
_STATUS = const(0x20)  # and the index, TVOC and equivalent CO2: 6 bytes
_STANDARD = const(2)
_RUNNING = const(0x80)
_ERROR = const(0x40)
_NEW_DATA = const(0x02)


class ENS160(I2CDriver):
    """Yields eco2 (ppm), tvoc (ppb) and air_quality_index (1, excellent, to 5, unhealthy).

    Yields nothing while the chip itself calls its values not valid yet: for 3 minutes after
    power-on, and for the first hour of a new chip's life.
    """

    ADDRESSES = (0x53, 0x52)
    METRICS = {"eco2": "ppm", "tvoc": "ppb", "air_quality_index": ""}
    # Section 5, "Air quality signal characteristics".
    RANGES = (
        "eco2", 400, 65000,
        "tvoc", 0, 65000,
        "air_quality_index", 1, 5,
    )  # fmt: skip

    def chip(self):
        low, high = self.get(_PART_ID, 2)
        return {0x0160: "ENS160", 0x0161: "ENS161"}.get(high << 8 | low)

    def setup(self):
        # Only if need be: its warm-up would begin again.
        if self.get(_MODE)[0] != _STANDARD:
            self.set(_MODE, _STANDARD)
            yield 20

    def measure(self):
        # It measures every second.
        for _ in range(8):
            data = self.get(_STATUS, 6)
            status = data[0]
            validity = status >> 2 & 3
            if status & _ERROR or validity == 3:
                raise self.error("it reports an error (status 0x%02x)" % status)
            if status & _RUNNING and validity:
                return
            if status & _NEW_DATA:
                break
            yield 200
        else:
            raise self.error("no new data within 1.6 s")
        yield "eco2", data[4] | data[5] << 8
        yield "tvoc", data[2] | data[3] << 8
        yield "air_quality_index", data[1] & 7
