"""STMicroelectronics VL53L0X: distance by the time of flight of light.

Its datasheet (DocID029104) leaves the registers to ST's API (STSW-IMG005), whose steps these are:
data init, static init with reference SPADs and tuning, reference calibration, single ranging.
"""

from ..port import const
from .i2c import I2CDriver

_START = const(0x00)
_SEQUENCE = const(0x01)
_INTERRUPT = const(0x0A)
_INTERRUPT_CLEAR = const(0x0B)
_INTERRUPT_STATUS = const(0x13)
_RESULT = const(0x14)
_SIGNAL_LIMIT = const(0x44)
_SPAD_COUNT = const(0x4E)
_SPAD_OFFSET = const(0x4F)
_CHECKS = const(0x60)
_FINAL_TIMEOUT = const(0x71)
_GPIO = const(0x84)
_PADS = const(0x89)
_STOP = const(0x91)
_SPADS = const(0xB0)
_SPAD_START = const(0xB6)
_ID = const(0xC0)
_PAGE = const(0xFF)

_STEPS = const(0xE8)  # what it does in a measurement: DSS, pre-range and final range
# ST's tuning, pairs of a register and its value; register 0xFF chooses a page.
_TUNING = (
    b"\xff\x01\x00\x00\xff\x00\x09\x00\x10\x00\x11\x00\x24\x01\x25\xff\x75\x00\xff\x01\x4e\x2c"
    b"\x48\x00\x30\x20\xff\x00\x30\x09\x54\x00\x31\x04\x32\x03\x40\x83\x46\x25\x60\x00\x27\x00"
    b"\x50\x06\x51\x00\x52\x96\x56\x08\x57\x30\x61\x00\x62\x00\x64\x00\x65\x00\x66\xa0\xff\x01"
    b"\x22\x32\x47\x14\x49\xff\x4a\x00\xff\x00\x7a\x0a\x7b\x00\x78\x21\xff\x01\x23\x34\x42\x00"
    b"\x44\xff\x45\x26\x46\x05\x40\x40\x0e\x06\x20\x1a\x43\x40\xff\x00\x34\x03\x35\x44\xff\x01"
    b"\x31\x04\x4b\x09\x4c\x05\x4d\x04\xff\x00\x44\x00\x45\x20\x47\x08\x48\x28\x67\x00\x70\x04"
    b"\x71\x01\x72\xfe\x76\x00\x77\x00\xff\x01\x0d\x01\xff\x00\x80\x01\x01\xf8\xff\x01\x8e\x01"
    b"\x00\x01\xff\x00\x80\x00"
)
# With it a clock of the pre-range (14 periods) is 53384 ns, one of the final range (10) 38131 ns.
# The steps but the final range, with what they take beside, last so many us (as ST's API
# adds them up): 2280 + 2 * (2055 + 690) + 8747 + 550.
_OTHER_STEPS_US = const(17067)
_FINAL_CLOCK_NS = const(38131)
_PRE_RANGE_CLOCKS = const(151)
# Range status, of which 1 to 3 are failures of the laser or its supply, 0 is no measurement at all,
# and the others mean that what came back is no target to be measured.
_FAILED = const(3)
_VALID = const(11)


class VL53L0X(I2CDriver):
    """Yields distance (mm, int), or nothing if it sees no target: too far, too dark, too bright.

    budget_ms: the time for a measurement, 20 to 1000; the longer, the more exact and the farther.
    """

    ADDRESSES = (0x29,)
    METRICS = {"distance": "mm"}
    # The datasheet's "Features" say up to 2 m, and give no highest value. Twice that is a bound of
    # our own: what it gives for no target is 8190.
    RANGES = ("distance", 0, 4000)

    def __init__(self, bus, address=None, budget_ms=33, any_id=False):
        super().__init__(bus, address, any_id)
        if not isinstance(budget_ms, int) or not 20 <= budget_ms <= 1000:
            raise ValueError("budget_ms: %r; give 20 to 1000" % (budget_ms,))
        self._budget_ms = budget_ms

    def chip(self):
        # Model id, module type and revision.
        return "VL53L0X" if self.get(_ID, 3) == b"\xee\xaa\x10" else None

    def verify(self):
        # Left in the middle, by a reset of the board say, it may show another page of registers.
        if self.chip() is None:
            self.set(_PAGE, 0)
            super().verify()

    def setup(self):
        self.set(_PADS, self.get(_PADS)[0] | 1)  # I2C at 2.8 V, as on every breakout board
        self._write(b"\x88\x00\x80\x01\xff\x01\x00\x00")
        self._stop = self.get(_STOP)[0]
        self._write(b"\x00\x01\xff\x00\x80\x00")
        # No limit to the signal rate before the final range, and 0.25 Mcps (9.7 bits) there.
        self.set(_CHECKS, self.get(_CHECKS)[0] | 0x12)
        self.set(_SIGNAL_LIMIT, 0, 32)
        self.set(_SEQUENCE, 0xFF)
        yield from self._choose_spads()
        self._write(_TUNING)
        self.set(_INTERRUPT, 4)  # when a measurement is there
        self.set(_GPIO, self.get(_GPIO)[0] & 0xEF)
        self.set(_INTERRUPT_CLEAR, 1)
        self.set(_SEQUENCE, _STEPS)
        self._set_budget()
        for sequence, start in ((1, 0x41), (2, 0x01)):  # the VHV's, then the phase's calibration
            self.set(_SEQUENCE, sequence)
            self.set(_START, start)
            yield from self._until(_INTERRUPT_STATUS, 7, 200)
            self.set(_INTERRUPT_CLEAR, 1)
            self.set(_START, 0)
        self.set(_SEQUENCE, _STEPS)

    def measure(self):
        if self.get(_SEQUENCE)[0] != _STEPS:
            raise self.error("it was without power and must be set up")
        self._write(b"\x80\x01\xff\x01\x00\x00")
        self.set(_STOP, self._stop)
        self._write(b"\x00\x01\xff\x00\x80\x00")
        self.set(_START, 1)
        yield self._budget_ms
        yield from self._until(_INTERRUPT_STATUS, 7, self._budget_ms + 50)
        data = self.get(_RESULT, 12)
        self.set(_INTERRUPT_CLEAR, 1)
        status = data[0] >> 3 & 15
        if status <= _FAILED:
            raise self.error("ranging failed with status %d" % status)
        if status == _VALID:
            yield "distance", data[10] << 8 | data[11]

    def _choose_spads(self):
        # Enables as many of the good reference SPADs as its factory test found best.
        self._write(b"\x80\x01\xff\x01\x00\x00\xff\x06")
        self.set(0x83, self.get(0x83)[0] | 4)
        self._write(b"\xff\x07\x81\x01\x80\x01\x94\x6b\x83\x00")
        yield from self._until(0x83, 0xFF, 200)
        self.set(0x83, 1)
        info = self.get(0x92)[0]
        self._write(b"\x81\x00\xff\x06")
        self.set(0x83, self.get(0x83)[0] & 0xFB)
        self._write(b"\xff\x01\x00\x01\xff\x00\x80\x00")
        good = self.get(_SPADS, 6)
        self._write(bytes((_PAGE, 1, _SPAD_OFFSET, 0, _SPAD_COUNT, 0x2C, _PAGE, 0)))
        self.set(_SPAD_START, 0xB4)
        chosen = bytearray(6)
        left = info & 0x7F
        for i in range(12 if info & 0x80 else 0, 48):  # those with an aperture are from 12 on
            bit = 1 << (i & 7)
            if left and good[i >> 3] & bit:
                chosen[i >> 3] |= bit
                left -= 1
        self.set(_SPADS, *chosen)

    def _set_budget(self):
        # What is left of the budget goes to the final range; encoded as (low << high) + 1.
        clock = _FINAL_CLOCK_NS
        left_us = self._budget_ms * 1000 - _OTHER_STEPS_US
        low = (left_us * 1000 + clock // 2) // clock + _PRE_RANGE_CLOCKS - 1
        high = 0
        while low > 255:
            low >>= 1
            high += 1
        self.set(_FINAL_TIMEOUT, high, low)

    def _write(self, pairs):
        for i in range(0, len(pairs), 2):
            self.set(pairs[i], pairs[i + 1])

    def _until(self, register, mask, timeout_ms):
        while not self.get(register)[0] & mask:
            if timeout_ms <= 0:
                raise self.error("it does not become ready")
            yield 2
            timeout_ms -= 2
