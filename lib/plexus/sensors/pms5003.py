"""Plantower PMS5003 (PMS7003 and PMSA003 as well): particles in the air.

PMS5003 series data manual, version 2.3, appendix I. In active mode, that at power-on, it sends a
frame every 200 ms to 2.3 s, the less often the less changes.
"""

from ..port import const
from .uart import UARTDriver

_HEAD = b"BM\x00\x1c"  # and the length of what follows
_SIZE = const(32)
_LONGEST_MS = const(3000)  # more than the longest pause, and a frame
_SIZES = ("0_3", "0_5", "1_0", "2_5", "5_0", "10")  # µm


class PMS5003(UARTDriver):
    """Yields pm1_0, pm2_5 and pm10 (µg/m³, in the air as it is, no "CF=1"); a read is one frame.

    The newest frame counts, so a read takes until the next one comes. 9600 baud.
    counts=True: besides particles_0_3 to particles_10, how many larger than so many µm there are
    in a decilitre.
    warm_up_ms: how long the fan needs after power-on (30 s by the manual) until values hold.
    """

    METRICS = {
        "pm1_0": "µg/m³",
        "pm2_5": "µg/m³",
        "pm10": "µg/m³",
        "particles_0_3": "1/dL",
        "particles_0_5": "1/dL",
        "particles_1_0": "1/dL",
        "particles_2_5": "1/dL",
        "particles_5_0": "1/dL",
        "particles_10": "1/dL",
    }
    # The manual gives no highest value ("Technical Index": the maximum of PM2.5 is 1000 or more).
    # Appendix I: words of 16 bits, of which the last is what a broken line gives.
    RANGES = (
        "pm1_0", 0, 65534,
        "pm2_5", 0, 65534,
        "pm10", 0, 65534,
        "particles_0_3", 0, 65534,
        "particles_0_5", 0, 65534,
        "particles_1_0", 0, 65534,
        "particles_2_5", 0, 65534,
        "particles_5_0", 0, 65534,
        "particles_10", 0, 65534,
    )  # fmt: skip
    INTERVAL_MS = 10000

    def __init__(self, uart, counts=False, warm_up_ms=30000):
        from .checks import check_flag

        super().__init__(uart, warm_up_ms)
        check_flag("counts", counts)
        self._counts = counts
        if not counts:
            self.METRICS = {name: self.METRICS[name] for name in ("pm1_0", "pm2_5", "pm10")}

    def measure(self):
        self.discard()
        data = yield from self.frame(_HEAD, _SIZE, _is_valid, _LONGEST_MS)
        words = [data[i] << 8 | data[i + 1] for i in range(4, 28, 2)]
        yield "pm1_0", words[3]
        yield "pm2_5", words[4]
        yield "pm10", words[5]
        if self._counts:
            for i, size in enumerate(_SIZES):
                yield "particles_" + size, words[6 + i]


def _is_valid(data):
    return sum(data[:30]) == data[30] << 8 | data[31]
