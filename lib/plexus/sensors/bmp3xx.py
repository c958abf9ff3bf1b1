"""Bosch BMP388 and BMP390: temperature and pressure.

Datasheets BST-BMP388-DS001 and BST-BMP390-DS002. Their compensation (BMP388: appendix 9) is one of
polynomials whose coefficients are integers over powers of two. So here all of it is in integers,
at length: no board's float has the digits.
"""

from struct import unpack

from ..port import const
from .i2c import I2CDriver

_CHIP_ID = const(0x00)
_STATUS = const(0x03)
_DATA = const(0x04)
_POWER = const(0x1B)
_OVERSAMPLING = const(0x1C)
_CONFIG = const(0x1F)
_CALIBRATION = const(0x31)
_OTHER_CHIP_ID = const(0xD0)
_BOTH_READY = const(0x60)
_MEASURE_BOTH = const(0x13)  # once
_SAMPLES = (1, 2, 4, 8, 16, 32)


class BMP3XX(I2CDriver):
    """Yields temperature (°C) and pressure (hPa); a read is one measurement.

    oversampling: 1, 2, 4, 8, 16 or 32 samples for each value.
    """

    ADDRESSES = (0x77, 0x76)
    METRICS = {"temperature": "°C", "pressure": "hPa"}
    # Table 2 of both: -40 to 85 °C, 300 to 1250 hPa.
    RANGES = (
        "temperature", -40, 85,
        "pressure", 300, 1250,
    )  # fmt: skip

    def __init__(self, bus, address=None, oversampling=8, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._oversampling = _SAMPLES[choice("oversampling", oversampling, _SAMPLES)]

    def chip(self):
        # Where this id is, a BME680 has a calibration value: any. The others have their id here.
        if self.get(_OTHER_CHIP_ID)[0] not in (0x56, 0x57, 0x58, 0x60, 0x61):
            return {0x50: "BMP388", 0x60: "BMP390"}.get(self.get(_CHIP_ID)[0])

    def setup(self):
        data = self.get(_CALIBRATION, 21)
        if not any(data):
            raise self.error("it has no calibration")
        self._trim = unpack("<HHbhhbbHHbbhbb", data)  # T1 to T3 and P1 to P11
        # A program before this one may have left it measuring; from there it has to go to sleep.
        self.set(_POWER, 0)
        self.set(_CONFIG, 0)  # no filter
        yield 5

    def measure(self):
        bits = _SAMPLES.index(self._oversampling)
        self.set(_OVERSAMPLING, bits << 3 | bits)
        self.set(_POWER, _MEASURE_BOTH)
        # Typical are 2.02 ms a sample and 0.94 ms in all (section 3.9.2); a fifth more for the
        # spread of its clock.
        yield (939 + 4040 * self._oversampling) * 6 // 5000 + 1
        if self.get(_STATUS)[0] & _BOTH_READY != _BOTH_READY:
            raise self.error("the measurement does not end")
        # 0x800000 is no sign of a value that was not measured: in a warm room it is one that was.
        d = self.get(_DATA, 6)
        if d[5] in (0, 255):  # as from a line that is stuck: no temperature is it
            raise self.error("nothing was measured")
        t = self._temperature(d[3] | d[4] << 8 | d[5] << 16)
        pressure = self._pressure(d[0] | d[1] << 8 | d[2] << 16, t)
        yield "temperature", (t * 25 + 8192 >> 14) / 100
        yield "pressure", pressure / 10000

    def _temperature(self, raw):
        # In °C / 65536.
        t1, t2, t3 = self._trim[:3]
        difference = raw - (t1 << 8)
        return (t2 * difference << 18) + t3 * difference * difference >> 32

    def _pressure(self, raw, t):
        # In Pa / 100.
        p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = self._trim[3:]
        offset = (p5 << 47) + (p6 * t << 22) + (p7 * t * t << 4) + (p8 * t * t * t >> 19)
        linear = (p1 - 16384 << 46) + ((p2 - 16384) * t << 21)
        linear += (p3 * t * t << 2) + (p4 * t * t * t >> 19)
        square = (p9 << 16) + p10 * t
        # Each in Pa / 2^42.
        p = (offset >> 2) + (linear * raw >> 24)
        p += (square * raw * raw >> 22) + (p11 * raw * raw * raw >> 23)
        return p * 25 + (1 << 39) >> 40
