"""ams (ScioSense) CCS811: equivalent CO2 and volatile organic compounds.

Datasheet CCS811, v1-06: "Application Register Overview". The chip stretches the clock.
"""

from ..port import const
from .i2c import I2CDriver

_STATUS = const(0x00)
_MODE = const(0x01)
_RESULT = const(0x02)
_HARDWARE_ID = const(0x20)
_ERROR_ID = const(0xE0)
_APP_START = const(0xF4)
_APP_RUNS = const(0x80)
_APP_VALID = const(0x10)
_DATA_READY = const(0x08)
_ERROR = const(0x01)
_LARGEST = const(32768)

# By the bits of the error register.
_ERRORS = (
    "invalid register written",
    "invalid register read",
    "invalid mode",
    "resistance too high",
    "heater current",
    "heater voltage",
)


class CCS811(I2CDriver):
    """Yields eco2 (ppm) and tvoc (ppb). The values settle in the first 20 minutes.

    interval_s: how often the chip measures: 1, 10 or 60 s; a read waits for the next measurement.
    """

    ADDRESSES = (0x5A, 0x5B)
    METRICS = {"eco2": "ppm", "tvoc": "ppb"}
    # "ALG_RESULT_DATA": the most that any firmware of the chip gives.
    RANGES = (
        "eco2", 400, 32768,
        "tvoc", 0, 32768,
    )  # fmt: skip

    def __init__(self, bus, address=None, interval_s=1, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._interval_s = (1, 10, 60)[choice("interval_s", interval_s, (1, 10, 60))]

    def chip(self):
        return "CCS811" if self.get(_HARDWARE_ID)[0] == 0x81 else None

    def setup(self):
        status = self.get(_STATUS)[0]
        if not status & _APP_VALID:
            raise self.error("it has no application firmware")
        if not status & _APP_RUNS:
            self.transmit(bytes((_APP_START,)))
            yield 2
            if not self.get(_STATUS)[0] & _APP_RUNS:
                raise self.error("its application does not start")
        self.get(_ERROR_ID)  # which clears an old error
        mode = ((1, 10, 60).index(self._interval_s) + 1) << 4
        # Only if need be: the measurement would begin again.
        if self.get(_MODE)[0] != mode:
            self.set(_MODE, mode)

    def measure(self):
        for _ in range(15):
            status = self.get(_STATUS)[0]
            self._check(status)
            if status & _DATA_READY:
                break
            yield 100 * self._interval_s
        else:
            raise self.error("no new data within %d ms" % (1500 * self._interval_s))
        data = self.get(_RESULT, 4)
        eco2, tvoc = data[0] << 8 | data[1], data[2] << 8 | data[3]
        # It gives 400 ppm at least; what is less, or too large, comes before its first result.
        if not 400 <= eco2 <= _LARGEST or tvoc > _LARGEST:
            raise self.error("it gives no valid measurement")
        yield "eco2", eco2
        yield "tvoc", tvoc

    def _check(self, status):
        if status & _ERROR:
            bits = self.get(_ERROR_ID)[0]
            errors = [word for i, word in enumerate(_ERRORS) if bits >> i & 1]
            raise self.error("error 0x%02x: %s" % (bits, ", ".join(errors)))
        if not status & _APP_RUNS:
            raise self.error("it has restarted")
