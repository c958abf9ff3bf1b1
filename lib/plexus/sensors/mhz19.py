"""Winsen MH-Z19B and MH-Z19C: carbon dioxide by infrared absorption, over its serial line.

MH-Z19B user manual, "Serial port (UART)": commands of 9 bytes, of which the last is the checksum.
"""

from ..port import const
from .uart import UARTDriver

_READ = const(0x86)
_SELF_CALIBRATION = const(0x79)
_RANGE = const(0x99)
_SIZE = const(9)
_ANSWER_MS = const(300)
_SETTING_MS = const(100)
_TRIES = const(3)


class MHZ19(UARTDriver):
    """Yields co2 (ppm). 9600 baud.

    warm_up_ms: how long it gives numbers that mean nothing after power-on (they stand still at
    400 to 500 ppm): 3 min by the manual of the B, 1 min by that of the C.
    self_calibration: whether it takes the lowest value of each day for 400 ppm, which is right
    only where there is fresh air once a day; None: as it is set (it comes with True).
    range_ppm: 2000, 5000 or 10000; what reaches it is an error. None: as it is set, unchecked.
    """

    METRICS = {"co2": "ppm"}
    # "Main parameters": the largest detection range; 0 is no value.
    RANGES = ("co2", 1, 10000)
    INTERVAL_MS = 10000

    def __init__(self, uart, warm_up_ms=180000, self_calibration=None, range_ppm=None):
        from .checks import check_flag, choice

        super().__init__(uart, warm_up_ms)
        if self_calibration is not None:
            check_flag("self_calibration", self_calibration)
        ranges = (2000, 5000, 10000, None)
        range_ppm = ranges[choice("range_ppm", range_ppm, ranges)]
        self._self_calibration = self_calibration
        self._range_ppm = range_ppm

    def setup(self):
        yield from super().setup()
        if self._self_calibration is not None:
            self._command(_SELF_CALIBRATION, 0xA0 if self._self_calibration else 0)
            yield _SETTING_MS
        if self._range_ppm is not None:
            high, low = self._range_ppm >> 8, self._range_ppm & 255
            self._command(_RANGE, 0, 0, 0, high, low)
            yield _SETTING_MS

    def measure(self):
        tries = _TRIES
        while True:
            self.discard()
            self._command(_READ)
            try:
                data = yield from self.frame(b"\xff\x86", _SIZE, _is_valid, _ANSWER_MS)
                break
            except OSError:
                tries -= 1
                if not tries:
                    raise
        co2 = data[2] << 8 | data[3]
        if not co2:
            raise self.error("it has no value yet")
        if self._range_ppm is not None and co2 >= self._range_ppm:
            raise self.error("%d ppm or more, beyond its range" % self._range_ppm)
        yield "co2", co2

    def _command(self, command, *arguments):
        data = bytearray(_SIZE)
        data[:3] = bytes((0xFF, 1, command))
        data[3 : 3 + len(arguments)] = bytes(arguments)
        data[8] = _checksum(data)
        self.uart.write(data)


def _checksum(data):
    # What makes the sum of all bytes but the first 0.
    return -sum(data[1:8]) & 255


def _is_valid(data):
    return data[8] == _checksum(data)
