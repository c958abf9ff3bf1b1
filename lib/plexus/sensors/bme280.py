"""Bosch BME280: temperature, humidity and pressure.

Datasheet BST-BME280-DS001, revision 1.23. It is a BMP280 with humidity, which is compensated in
32-bit integers as in section 4.2.3.
"""

from ..port import const
from .bmp280 import BMP280
from .i2c import signed

_H1 = const(0xA1)
_H2 = const(0xE1)  # and H3 to H6: 7 bytes
_CHIP_ID = const(0xD0)
_CONTROL_HUMIDITY = const(0xF2)


class BME280(BMP280):
    """Yields temperature (°C), pressure (hPa) and relative humidity (%); a read is one measurement.

    oversampling: 1, 2, 4, 8 or 16 samples for each value.
    """

    METRICS = {"temperature": "°C", "pressure": "hPa", "humidity": "%"}

    def chip(self):
        return "BME280" if self.get(_CHIP_ID)[0] == 0x60 else None

    def setup(self):
        super().setup()
        h = self.get(_H2, 7)
        self._humidity_trim = (
            self.get(_H1)[0],
            signed(h[0] | h[1] << 8, 16),
            h[2],
            signed(h[3] << 4 | h[4] & 15, 12),
            signed(h[5] << 4 | h[4] >> 4, 12),
            signed(h[6], 8),
        )

    def measure(self):
        # It comes into effect with the next write of the other control register (section 5.4.3).
        self.set(_CONTROL_HUMIDITY, (1, 2, 4, 8, 16).index(self._oversampling) + 1)
        data = yield from self._measured(8, 3)
        fine = self._fine(data)
        yield "temperature", (fine * 5 + 128 >> 8) / 100
        yield "pressure", round(self._pressure(data, fine) / 25600, 3)
        yield "humidity", round(self._humidity(data[6] << 8 | data[7], fine) / 1024, 2)

    def _humidity(self, raw, fine):
        # In % / 1024.
        h1, h2, h3, h4, h5, h6 = self._humidity_trim
        v = fine - 76800
        a = (((v * h6 >> 10) * ((v * h3 >> 11) + 32768)) >> 10) + 2097152
        v = ((raw << 14) - (h4 << 20) - h5 * v + 16384 >> 15) * (a * h2 + 8192 >> 14)
        v -= ((v >> 15) * (v >> 15) >> 7) * h1 >> 4
        return min(max(v, 0), 419430400) >> 12
