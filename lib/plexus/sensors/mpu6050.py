"""InvenSense MPU6050 and its successors: acceleration, angular velocity and temperature.

Register maps RM-MPU-6000A (revision 4.2), RM-MPU-6500A, RM-MPU-9250A and the MPU-6886 datasheet
(DS-000193): what is used here is the same in all, but for the temperature and the register of the
accelerometer's low pass. The magnetometer of an MPU9250 is a chip of its own.
"""

from struct import unpack

from ..port import const
from .axes import DEGREE, AxesDriver, G

_SETTINGS = const(0x19)  # rate divider, low pass, both ranges, the accelerometer's low pass
_DATA = const(0x3B)
_POWER = const(0x6B)
_WHO_AM_I = const(0x75)

# By WHO_AM_I: name, and the temperature's LSB/°C and °C at 0. MPU6050: register map, section
# 4.18; MPU6500 and MPU9250: 333.87 and 21; MPU6886 and ICM-20689: 326.8 and 25.
_CHIPS = {
    0x68: ("MPU6050", 340, 36.53),  # MPU6000 and MPU9150 as well
    0x70: ("MPU6500", 333.87, 21),
    0x71: ("MPU9250", 333.87, 21),
    0x73: ("MPU9255", 333.87, 21),
    0x74: ("MPU6515", 333.87, 21),
    0x78: ("MPU6880", 333.87, 21),
    0x19: ("MPU6886", 326.8, 25),
    0x98: ("ICM20689", 326.8, 25),  # on boards that are sold as MPU6050
}
_LOW_PASS = (180, 90, 40, 20, 10, 5)


class MPU6050(AxesDriver):
    """Yields acceleration (m/s²), angular velocity (rad/s) and the chip's temperature (°C).

    accel_range: 2, 4, 8 or 16 g. gyro_range: 250, 500, 1000 or 2000 °/s. What lies beyond is an
    error. low_pass: 5, 10, 20, 40, 90 or 180 Hz, about (each chip has its own).
    """

    ADDRESSES = (0x68, 0x69)
    METRICS = {"acceleration": "m/s²", "angular_velocity": "rad/s", "temperature": "°C"}
    # Register map, sections 4.4 and 4.5: 16 g, 2000 °/s; the datasheet's 6.9: -40 to 85 °C.
    RANGES = (
        "acceleration", -157, 157,
        "angular_velocity", -35, 35,
        "temperature", -40, 85,
    )  # fmt: skip

    def __init__(self, bus, address=None, accel_range=4, gyro_range=500, low_pass=20, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._chip = _CHIPS[0x68]  # till it is known
        self._accel = choice("accel_range", accel_range, (2, 4, 8, 16))
        self._gyro = choice("gyro_range", gyro_range, (250, 500, 1000, 2000))
        self._low_pass = choice("low_pass", low_pass, _LOW_PASS)

    def chip(self):
        chip = _CHIPS.get(self.get(_WHO_AM_I)[0])
        # Clock chips have the same address, and might show any byte there.
        if chip is None or _is_time(self.get(0, 6)):
            return None
        self._chip = chip
        return chip[0]

    def measure(self):
        name, per_degree, zero = self._chip
        low_pass = self._low_pass + 1
        settings = (_SETTINGS, 0, low_pass, self._gyro << 3, self._accel << 3)
        if name != "MPU6050":
            settings += (low_pass,)
        # Awake, with the gyroscope's clock. It needs up to 0.1 s, and the filter its time.
        start_ms = 100 + 1000 // _LOW_PASS[self._low_pass]
        yield from self._running(start_ms, (_POWER, 1, 0), settings)
        raw = unpack(">7h", self.get(_DATA, 14))
        if min(raw) == max(raw):  # as from a line that is stuck
            raise self.error("it gives no data")
        # LSB/g and LSB/(°/s) as in section 4.17 and 4.19 of its register map.
        acceleration = self._vector(raw[:3], 16, G / (16384 >> self._accel), 3, "accel_range")
        velocity = self._vector(
            raw[4:],
            16,
            DEGREE / (131, 65.5, 32.8, 16.4)[self._gyro],
            4,
            "gyro_range",
        )
        yield "acceleration", acceleration
        yield "angular_velocity", velocity
        yield "temperature", round(raw[3] / per_degree + zero, 2)


def _is_time(data):
    # Whether these can be the first registers of a DS3231 or DS1307, in BCD.
    second, minute, hour, weekday, day, month = data
    for digits in data:
        if digits & 15 > 9:
            return False
    return (
        second & 0x7F < 0x60
        and minute < 0x60
        and hour < 0x80
        and 1 <= weekday <= 7
        and 1 <= day <= 0x31
        and 1 <= month & 0x7F <= 0x12
    )
