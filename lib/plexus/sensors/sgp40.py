"""Sensirion SGP40: the raw signal of volatile organic compounds.

Datasheet SGP40, version 1.0, section 4.7 (commands, tables 8 to 11).
"""

from ..port import const
from .sensirion import Sensirion, check

_MEASURE = const(0x260F)
_FEATURE_SET = const(0x202F)


class SGP40(Sensirion):
    """Yields voc_raw (no unit): the more of them in the air, the less it is. Read it every second.

    It is proportional to the logarithm of the sensor's resistance. The hotplate is switched on by
    the first read; a minute later the values have settled.

    humidity, temperature: of the air around it, in % and °C, for which the chip then makes up;
    numbers, or functions without arguments that give the number of the moment (None if there is
    none). Without both the chip assumes 50 % and 25 °C.
    """

    ADDRESSES = (0x59,)
    METRICS = {"voc_raw": ""}
    # Section 1, table 1: 0 to 65535 ticks; neither end is a resistance.
    RANGES = ("voc_raw", 1, 65534)

    def __init__(self, bus, address=None, humidity=None, temperature=None, any_id=False):
        super().__init__(bus, address, any_id)
        if not callable(humidity):
            check("humidity", humidity, 0, 100)
        if not callable(temperature):
            check("temperature", temperature, -45, 130)
        self._humidity = humidity
        self._temperature = temperature

    def chip(self):
        # The SGP41, which has the same address, has 0x40 there.
        return "SGP40" if self.ask_at_once(_FEATURE_SET, 1, 10)[0] & 0x1FF == 0x20 else None

    def measure(self):
        self.command(
            _MEASURE,
            _ticks(_number(self._humidity, 50), 0, 100),
            _ticks(_number(self._temperature, 25), -45, 175),
        )
        yield 30
        yield "voc_raw", self.words(1)[0]


def _number(source, default):
    if callable(source):
        source = source()
    return default if source is None else source


def _ticks(number, minimum, span):
    # The product is below 2**24 within the range: single precision holds it.
    ticks = int((number - minimum) * 65535 / span + 0.5)
    return min(max(ticks, 0), 0xFFFF)
