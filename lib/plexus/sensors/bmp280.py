"""Bosch BMP280: temperature and pressure.

Datasheet BST-BMP280-DS001, revision 1.26. Compensation in integers as in section 3.11.3, whose
64-bit variant serves for the pressure: no board's float has the digits.
"""

from ..port import const
from .i2c import I2CDriver, signed

_CALIBRATION = const(0x88)  # T1 to T3 and P1 to P9: 24 bytes
_CHIP_ID = const(0xD0)
_STATUS = const(0xF3)
_CONTROL = const(0xF4)
_CONFIG = const(0xF5)
_DATA = const(0xF7)
_MEASURING = const(0x08)
_NOTHING = b"\x80\x00\x00\x80\x00\x00"  # what a reset leaves in the data registers


class BMP280(I2CDriver):
    """Yields temperature (°C) and pressure (hPa); a read is one measurement.

    oversampling: 1, 2, 4, 8 or 16 samples for each value.
    """

    ADDRESSES = (0x76, 0x77)
    METRICS = {"temperature": "°C", "pressure": "hPa"}
    # Section 1.2 of its datasheet, and of the BME280's section 1.1, which has the humidity.
    RANGES = (
        "temperature", -40, 85,
        "pressure", 300, 1100,
        "humidity", 0, 100,
    )  # fmt: skip

    def __init__(self, bus, address=None, oversampling=1, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._oversampling = 1 << choice("oversampling", oversampling, (1, 2, 4, 8, 16))

    def chip(self):
        # 0x56 and 0x57 are samples (section 4.3.1).
        return "BMP280" if self.get(_CHIP_ID)[0] in (0x56, 0x57, 0x58) else None

    def setup(self):
        data = self.get(_CALIBRATION, 24)
        words = [data[i] | data[i + 1] << 8 for i in range(0, 24, 2)]
        # All are signed but T1 and P1.
        self._trim = [w if i in (0, 3) else signed(w, 16) for i, w in enumerate(words)]
        if not self._trim[0] or not self._trim[3]:
            raise self.error("it has no calibration")
        self.set(_CONTROL, 0)  # it takes the next only while it sleeps
        self.set(_CONFIG, 0)  # no filter

    def measure(self):
        data = yield from self._measured(6, 2)
        fine = self._fine(data)
        yield "temperature", (fine * 5 + 128 >> 8) / 100
        yield "pressure", round(self._pressure(data, fine) / 25600, 3)

    def _measured(self, count, values):
        # Measures once, so many values; returns so many bytes of data.
        bits = (1, 2, 4, 8, 16).index(self._oversampling) + 1
        self.set(_CONTROL, bits << 5 | bits << 2 | 1)
        # The longest time: 1.25 ms, 2.3 ms a sample, and 0.575 ms for each value but the
        # temperature (BME280 datasheet, section 9.1; the BMP280's table 13 agrees).
        yield (1250 + 2300 * values * self._oversampling + 575 * (values - 1)) // 1000 + 1
        if self.get(_STATUS)[0] & _MEASURING:
            raise self.error("the measurement does not end")
        data = self.get(_DATA, count)
        # Each alone is also a value: 0x80000 is 26.5 °C in the datasheet's example.
        # A raw temperature of such a first byte has a line that is stuck: -140 °C or 200 °C.
        if data[:6] == _NOTHING or data[3] in (0, 255):
            raise self.error("nothing was measured")
        return data

    def _fine(self, data):
        # The datasheet's t_fine, in 1/5120 °C.
        t1, t2, t3 = self._trim[:3]
        raw = _raw(data, 3)
        difference = (raw >> 4) - t1
        return (((raw >> 3) - (t1 << 1)) * t2 >> 11) + ((difference * difference >> 12) * t3 >> 14)

    def _pressure(self, data, fine):
        # In Pa / 256.
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._trim[3:]
        a = fine - 128000
        b = a * a * p6 + (a * p5 << 17) + (p4 << 35)
        a = (a * a * p3 >> 8) + (a * p2 << 12)
        a = ((1 << 47) + a) * p1 >> 33
        if a <= 0:
            raise self.error("its calibration makes no sense")
        p = ((1048576 - _raw(data, 0) << 31) - b) * 3125 // a
        return (p + (p9 * (p >> 13) * (p >> 13) >> 25) + (p8 * p >> 19) >> 8) + (p7 << 4)


def _raw(data, start):
    return data[start] << 12 | data[start + 1] << 4 | data[start + 2] >> 4
