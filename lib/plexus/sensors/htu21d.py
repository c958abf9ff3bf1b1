"""TE HTU21D, Silicon Labs Si7021 and Sensirion SHT21: temperature and relative humidity.

Datasheets HTU21D(F) (TE HPC199), Si7021-A20 revision 1.1 (section 5), SHT21 (chapters 5 and 6):
the commands and the conversion are the same in all of them, the longest times are the SHT21's.
"""

from ..port import const
from .crc import crc8
from .i2c import I2CDriver

_TEMPERATURE = b"\xf3"  # without holding SCL, as is the next
_HUMIDITY = b"\xf5"
_RESET = b"\xfe"
_ELECTRONIC_ID = b"\xfc\xc9"  # its second half
_USER_REGISTER = const(0xE7)
_CHIPS = {0x32: "HTU21D", 0x06: "Si7006", 0x0D: "Si7013", 0x14: "Si7020", 0x15: "Si7021"}


class HTU21D(I2CDriver):
    """Yields temperature (°C) and relative humidity (%); a read is one measurement of each."""

    ADDRESSES = (0x40,)
    METRICS = {"temperature": "°C", "humidity": "%"}
    # Tables "Relative humidity" and "Temperature": the operating range of all of them.
    RANGES = (
        "temperature", -40, 125,
        "humidity", 0, 100,
    )  # fmt: skip

    def chip(self):
        # To other chips 0xFC 0xC9 could be a write, so only who has a likely user register is
        # asked: its reserved bits are 000 or, in a Si7021, 111; the bit beside them is 1.
        user = self.get(_USER_REGISTER)[0]
        if user == 0xFF or user & 0x3A not in (0x02, 0x3A):
            return None
        self.transmit(_ELECTRONIC_ID)
        data = self.receive(3)
        if any(data) and crc8(data[:2], initial=0) == data[2]:
            return _CHIPS.get(data[0], "SHT21")

    def setup(self):
        self.transmit(_RESET)  # to the finest resolution
        yield 15

    def measure(self):
        # As integers: no digit is lost in a float of 24 bits.
        raw = yield from self._measured(_TEMPERATURE, 85)
        temperature = (17572 * raw + 0x8000 >> 16) - 4685
        raw = yield from self._measured(_HUMIDITY, 29)
        humidity = (12500 * raw + 0x8000 >> 16) - 600
        yield "temperature", temperature / 100
        # The ends of the scale are beyond 0 and 100 %.
        yield "humidity", min(max(humidity, 0), 10000) / 100

    def _measured(self, command, longest_ms):
        self.transmit(command)
        yield longest_ms
        data = self.receive(3)
        # Of zeros it is right; but they are no temperature, and humidity has a bit that is 1.
        if not any(data) or crc8(data[:2], initial=0) != data[2]:
            raise self.error("a checksum is wrong")
        return (data[0] << 8 | data[1]) & ~3  # the last two bits are a status
