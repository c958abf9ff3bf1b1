"""ST LSM6DSO and its kin: acceleration, angular velocity and temperature.

Datasheets DS12140 (LSM6DSO), DS12814 (LSM6DSOX) and those of LSM6DS3, LSM6DS3TR-C and ISM330DHCX:
what is used here is the same in all, but for LSM6DS3's temperature.
"""

from struct import unpack

from ..port import const
from .axes import DEGREE, AxesDriver, G

_WHO_AM_I = const(0x0F)
_RATES = const(0x10)  # the accelerometer's rate and range, then the gyroscope's
_CONTROL = const(0x12)
_STATUS = const(0x1E)
_DATA = const(0x20)  # temperature, angular velocity, acceleration
_FRESH = const(0x03)  # both

_CHIPS = {0x6C: "LSM6DSO", 0x6B: "ISM330DHCX", 0x6A: "LSM6DS3TR-C", 0x69: "LSM6DS3"}
_GYRO_RANGES = (125, 250, 500, 1000, 2000)


class LSM6DSO(AxesDriver):
    """Yields acceleration (m/s²), angular velocity (rad/s) and the chip's temperature (°C).

    accel_range: 2, 4, 8 or 16 g. gyro_range: 125, 250, 500, 1000 or 2000 °/s. What lies beyond is
    an error. An LSM6DSO32 shows an LSM6DSO's id, but its accelerations are twice as large.
    """

    ADDRESSES = (0x6A, 0x6B)
    METRICS = {"acceleration": "m/s²", "angular_velocity": "rad/s", "temperature": "°C"}
    # Table 2: 16 g, and 32768 counts of 70 m°/s; section 4.3: -40 to 85 °C.
    RANGES = (
        "acceleration", -157, 157,
        "angular_velocity", -41, 41,
        "temperature", -40, 85,
    )  # fmt: skip

    def __init__(self, bus, address=None, accel_range=4, gyro_range=500, any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        self._accel = choice("accel_range", accel_range, (2, 4, 8, 16))
        self._gyro = choice("gyro_range", gyro_range, _GYRO_RANGES)

    def chip(self):
        self._chip = _CHIPS.get(self.get(_WHO_AM_I)[0])
        return self._chip

    def measure(self):
        accel = (0x00, 0x08, 0x0C, 0x04)[self._accel]
        gyro = (0x02, 0x00, 0x04, 0x08, 0x0C)[self._gyro]
        # 104 Hz; registers that count up, and are not changed between their two bytes. The
        # gyroscope needs some 0.1 s from power-down.
        control = (_CONTROL, 0x44)
        yield from self._running(150, control, (_RATES, 0x40 | accel, 0x40 | gyro))
        yield from self._fresh(_STATUS, _FRESH, 12)
        raw = unpack("<7h", self.get(_DATA, 14))
        if min(raw) == max(raw):  # as from a line that is stuck
            raise self.error("it gives no data")
        # Table 2: 0.061 mg at 2 g, 4.375 m°/s at 125 °/s, and so in proportion.
        acceleration = self._vector(
            raw[4:], 16, 0.000061 * G * (1 << self._accel), 3, "accel_range"
        )
        velocity = self._vector(
            raw[1:4], 16, 0.004375 * DEGREE * (1 << self._gyro), 4, "gyro_range"
        )
        yield "acceleration", acceleration
        yield "angular_velocity", velocity
        per_degree = 16 if self._chip == "LSM6DS3" else 256
        yield "temperature", round(raw[0] / per_degree + 25, 2)
