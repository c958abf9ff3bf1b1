"""Aosong AHT20 (also AHT21, AHT25, DHT20) and AHT10: temperature and humidity.

AHT20 datasheet, version 1.0, sections 5.3 to 6.2; the AHT10's differs as the option says.
"""

from ..port import const
from .crc import crc8
from .i2c import I2CDriver

_BUSY = const(0x80)
_CALIBRATED = const(0x08)
_MEASURE = b"\xac\x33\x00"

# The command that loads the calibration, and the count of bytes of a measurement.
_VARIANTS = {"AHT20": (b"\xbe\x08\x00", 7), "AHT10": (b"\xe1\x08\x00", 6)}


class AHT20(I2CDriver):
    """Yields temperature (°C) and relative humidity (%); a read is one measurement.

    variant: "AHT20", or "AHT10" for the older chip, which sends no checksum.
    """

    ADDRESSES = (0x38, 0x39)
    METRICS = {"temperature": "°C", "humidity": "%"}
    # Section 5.1: the ends of the operating range.
    RANGES = (
        "temperature", -40, 85,
        "humidity", 0, 100,
    )  # fmt: skip
    INTERVAL_MS = 2000  # read more often, it warms itself

    def __init__(self, bus, address=None, variant="AHT20"):
        from .checks import choice

        super().__init__(bus, address)
        choice("variant", variant, ("AHT20", "AHT10"))
        self._variant = variant

    def setup(self):
        if not self.receive(1)[0] & _CALIBRATED:
            self.transmit(_VARIANTS[self._variant][0])
            yield 10
            if not self.receive(1)[0] & _CALIBRATED:
                raise self.error("it does not load its calibration")

    def measure(self):
        self.transmit(_MEASURE)
        count = _VARIANTS[self._variant][1]
        # The datasheet has no longest time: 80 ms, and to wait on while it is busy.
        for wait_ms in (80, 20, 40):
            yield wait_ms
            data = self.receive(count)
            if not data[0] & _BUSY:
                break
        else:
            raise self.error("the measurement does not end")
        if count == 7 and crc8(data[:6]) != data[6]:
            raise self.error("wrong checksum; an AHT10 needs the option variant=AHT10")
        if not data[0] & _CALIBRATED:
            raise self.error("it has lost its calibration")
        # raw * 200 / 2**20 - 50 and raw * 100 / 2**20, in hundredths, the fractions reduced: the
        # products fit into 30 bits.
        humidity = data[1] << 12 | data[2] << 4 | data[3] >> 4
        temperature = (data[3] & 15) << 16 | data[4] << 8 | data[5]
        yield "temperature", ((temperature * 625 + 16384 >> 15) - 5000) / 100
        yield "humidity", (humidity * 625 + 32768 >> 16) / 100
