"""Bosch BNO055: orientation, from the fusion of nine axes that runs in the chip.

Datasheet BST-BNO055-DS000, revision 1.4: section 3.3 (modes), 3.6 (units), 4 (registers).
"""

from struct import unpack_from

from ..port import const
from .axes import DEGREE
from .driver import SensorError
from .i2c import I2CDriver, signed

_ID = const(0x00)  # and those of the three sensors within
_PAGE = const(0x07)
_DATA = const(0x08)  # up to the calibration state, 0x35
_SELF_TEST = const(0x36)
_STATUS = const(0x39)  # and the error's number
_UNITS = const(0x3B)
_MODE = const(0x3D)
_POWER = const(0x3E)
_TRIGGER = const(0x3F)
_FUSION = const(0x0C)  # the mode NDOF
_RESET = const(0x20)
_ERROR = const(1)  # states of the system
_RUNNING = const(5)

# Metric: where it is in the data, its parts, the value of a bit (section 3.6.4 and 3.6.5), and how
# many digits show it. All are 16 bits wide, which single precision holds.
_XYZ = ("x", "y", "z")
_VECTORS = {
    "acceleration": (0, _XYZ, 1 / 100, 2),
    "magnetic_field": (6, _XYZ, 1 / 16, 2),
    "angular_velocity": (12, _XYZ, DEGREE / 16, 4),
    "orientation": (18, ("heading", "roll", "pitch"), 1 / 16, 2),
    "quaternion": (24, ("w", "x", "y", "z"), 1 / 16384, 5),
    "linear_acceleration": (32, _XYZ, 1 / 100, 2),
    "gravity": (38, _XYZ, 1 / 100, 2),
}


class BNO055(I2CDriver):
    """Yields what `values` names, some of these.

    orientation: heading, roll and pitch (°; turning clockwise increases them), the heading from
    north only once the magnetometer is calibrated. quaternion: w, x, y, z. calibration: 0 (none)
    to 3 (full) of system, gyroscope, accelerometer and magnetometer. temperature (°C).
    acceleration (m/s²), and its parts linear_acceleration and gravity. angular_velocity (rad/s).
    magnetic_field (µT).
    """

    ADDRESSES = (0x28, 0x29)
    METRICS = {
        "orientation": "°",
        "quaternion": "",
        "calibration": "",
        "temperature": "°C",
        "acceleration": "m/s²",
        "linear_acceleration": "m/s²",
        "gravity": "m/s²",
        "angular_velocity": "rad/s",
        "magnetic_field": "µT",
    }
    # Section 3.6.5, the output data of the fusion; tables 0-2 and 0-3: 16 g, 2000 °/s,
    # 2500 µT, -40 to 85 °C. A quaternion has 16 bits.
    RANGES = (
        "orientation", -180, 360,
        "quaternion", -2, 2,
        "calibration", 0, 3,
        "temperature", -40, 85,
        "acceleration", -157, 157,
        "linear_acceleration", -167, 167,
        "gravity", -10, 10,
        "angular_velocity", -35, 35,
        "magnetic_field", -2500, 2500,
    )  # fmt: skip
    NO_MEAN = ("orientation", "quaternion")

    def __init__(
        self,
        bus,
        address=None,
        values=("orientation", "quaternion", "calibration", "temperature"),
        any_id=False,
    ):
        from .several import some

        super().__init__(bus, address, any_id)
        some("values", values, sorted(self.METRICS))
        self._values = tuple(values)
        self.METRICS = {metric: self.METRICS[metric] for metric in values}

    def chip(self):
        return "BNO055" if self.get(_ID, 4) == b"\xa0\xfb\x32\x0f" else None

    def setup(self):
        if self.get(_STATUS)[0] == _ERROR:
            yield from self._reset()
        if self.get(_SELF_TEST)[0] & 15 != 15:
            raise self.error("its self-test failed")

    def measure(self):
        # After power-on it is in another mode. One that runs stays as it is: it is calibrated.
        if self.get(_MODE)[0] & 15 != _FUSION or self.get(_UNITS)[0]:
            yield from self._start()
        status, error = self.get(_STATUS, 2)
        if status == _ERROR:
            raise self.error("system error %d" % error)
        if status != _RUNNING:
            raise self.error("its fusion does not run (state %d)" % status)
        data = self.get(_DATA, 46)
        # What the fusion gives has the length 1; without a result all are 0.
        length = sum([part * part for part in unpack_from("<4h", data, 24)]) >> 20
        if not 240 < length < 272:
            raise self.error("no orientation, or a wrong one")
        for metric in self._values:
            yield metric, self._value(metric, data)

    def _value(self, metric, data):
        if metric == "temperature":
            return signed(data[44], 8)
        if metric == "calibration":
            parts = ("magnetometer", "accelerometer", "gyroscope", "system")
            return {part: data[45] >> 2 * i & 3 for i, part in enumerate(parts)}
        start, names, scale, digits = _VECTORS[metric]
        raw = unpack_from("<%dh" % len(names), data, start)
        return {name: round(raw[i] * scale, digits) for i, name in enumerate(names)}

    def _configure(self):
        # To the mode in which settings can be written.
        self.set(_PAGE, 0)
        self.set(_MODE, 0)
        yield 20  # 19 (table 3-6)

    def _start(self):
        yield from self._configure()
        self.set(_POWER, 0)
        self.set(_UNITS, 0)  # m/s², °/s, °, °C, and angles as Windows has them
        self.set(_MODE, _FUSION)
        yield 8  # 7 (table 3-6)
        for _ in range(50):  # till the first result
            if any(self.get(_DATA + 24, 8)):
                return
            yield 20

    def _reset(self):
        yield from self._configure()
        try:
            self.set(_TRIGGER, _RESET)
        except SensorError:
            pass  # it may be gone before it acknowledges
        yield 800  # 650, typically (table 0-2)
