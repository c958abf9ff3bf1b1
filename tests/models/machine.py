"""The module `machine` as the ESP32 port has it, over simulated pins and buses.

    with machine.Installed():        # `import machine` gives it, with nothing connected
        machine.buses["i2c0"] = bus  # what machine.I2C(0) is to return
        pin = machine.Pin(4)         # the same object wherever it is made
        pin.drive(0)                 # from outside: interrupts are called at once

Nothing here knows a driver. It runs on both interpreters.
"""

import sys
import time

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

buses = {}  # "i2c0", "spi1", "uart2", "softi2c": what the constructors return
opened = []  # (name, keywords) of each constructor's call
state = {"cause": PWRON_RESET, "interrupts": True, "freq": 160000000}
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_pins = {}
_pending = []  # pins whose interrupts wait until they are allowed again
counters = {}  # of the chip, by number
# What outlives resets: the RTC's time in us since 1970, which only a test moves on, its memory, and
# how much that can hold.
rtc = {"us": 0, "memory": b"", "size": 2048}


def clear():
    """As at power-on, with nothing connected."""
    for table in (buses, _pins, counters):
        table.clear()
    del opened[:]
    del _pending[:]
    state.update({"cause": PWRON_RESET, "interrupts": True, "freq": 160000000})
    rtc.update({"us": 946684800000000, "memory": b"", "size": 2048})


class Installed:
    """Within it, `import machine` gives this module; afterwards what was there before."""

    def __enter__(self):
        clear()
        self._before = sys.modules.get("machine")
        sys.modules["machine"] = sys.modules[__name__]
        return sys.modules[__name__]

    def __exit__(self, *_):
        del sys.modules["machine"]
        if self._before is not None:
            sys.modules["machine"] = self._before


class Pin:
    """A pin. `drive(level)` sets its level from outside; `source`, a function, gives the level
    instead. `watch(level)` is called when the program drives it otherwise than before: to 0 or 1,
    or None when it lets go. `level_uv` is what an ADC reads: microvolts, or a function that gives
    them.
    """

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __new__(cls, id, *_, **__):
        if not isinstance(id, int) or not 0 <= id < 49:
            raise ValueError("invalid pin")
        if id not in _pins:
            _pins[id] = object.__new__(cls)
            _pins[id].connect(id)
        return _pins[id]

    def __init__(self, id, mode=-1, pull=-1, **options):
        if mode != -1 or pull != -1 or options:
            self.init(mode, pull, **options)

    def connect(self, id):
        self.id = id
        self.mode = None
        self.pull = None
        self.output = 0
        self.driven = None  # the level from outside, if there is any
        self.source = None
        self.watch = None
        self.handler = None
        self.trigger = 0
        self.level_uv = 0

    def __repr__(self):
        return "Pin(%d)" % self.id

    __str__ = __repr__

    def init(self, mode=-1, pull=-1, value=None, drive=None, hold=None):
        # A value is set first: the pin becomes an output with it.
        before = self.drives()
        if value is not None:
            self.output = 1 if value else 0
        if mode not in (-1, None):
            self.mode = mode
        if pull != -1:
            self.pull = pull
        self._changed(before)

    def value(self, level=None):
        if level is None:
            drives = self.drives()
            return self._outside() if drives is None else drives
        before = self.drives()
        self.output = 1 if level else 0
        self._changed(before)

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self.output)

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, wake=None):
        self.handler = handler
        self.trigger = trigger if handler else 0

    def drive(self, level):
        """The level from outside; None lets the pin float."""
        before = self.value()
        self.driven = level
        self._interrupt(before, self.value())

    def _outside(self):
        if self.source:
            return self.source()
        if self.driven is not None:
            return self.driven
        return 1 if self.pull == self.PULL_UP else 0

    def drives(self):
        """The level to which the program drives it, None if it does not."""
        if self.mode == self.OUT or self.mode == self.OPEN_DRAIN and not self.output:
            return self.output
        return None

    def _changed(self, before):
        after = self.drives()
        if after != before and self.watch:
            self.watch(after)

    def _interrupt(self, before, after):
        for counter in counters.values():
            counter.edge(self, before, after)
        edge = self.IRQ_RISING if after > before else self.IRQ_FALLING if after < before else 0
        if self.handler and self.trigger & edge:
            _pending.append(self)
            if state["interrupts"]:
                _call_pending()


def _call_pending():
    while _pending:
        pin = _pending.pop(0)
        if pin.handler:
            pin.handler(pin)


def disable_irq():
    before = state["interrupts"]
    state["interrupts"] = False
    return before


def enable_irq(before=True):
    state["interrupts"] = before
    if before:
        _call_pending()


class ADC:
    """The converter at a pin: 12 bits, and volts in whole mV as the ESP32's calibration gives."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    # About where the ESP32's converter reads its highest value.
    FULL_SCALE_UV = (1100000, 1500000, 2200000, 3150000)

    def __init__(self, pin, atten=ATTN_0DB):
        self.pin = pin if isinstance(pin, Pin) else Pin(pin)
        self.attenuation = atten

    def atten(self, atten):
        self.attenuation = atten

    def _level_uv(self):
        level_uv = self.pin.level_uv
        if callable(level_uv):
            level_uv = level_uv()
        return min(max(level_uv, 0), self.FULL_SCALE_UV[self.attenuation])

    def read_uv(self):
        return self._level_uv() // 1000 * 1000

    def read(self):
        return self._level_uv() * 4095 // self.FULL_SCALE_UV[self.attenuation]

    def read_u16(self):
        raw = self.read()
        return raw << 4 | raw >> 8


class Counter:
    """A pulse counter of the chip: it counts whatever the program does."""

    RISING = 1
    FALLING = 2

    def __init__(self, id, src, edge=RISING, filter_ns=0):
        self.id = id
        self.pin = src
        self._edge = edge
        self._value = 0
        counters[id] = self

    def edge(self, pin, before, after):
        if pin is self.pin and before != after and (after > before) == (self._edge == self.RISING):
            self._value += 1

    def value(self, value=None):
        before = self._value
        if value is not None:
            self._value = value
        return before

    def deinit(self):
        counters.pop(self.id, None)


def _bus(kind, id, options):
    name = kind + ("" if id is None else str(id))
    opened.append((name, options))
    if name not in buses:
        raise ValueError("%s doesn't exist" % name)
    return buses[name]


def I2C(id, **options):
    return _bus("i2c", id, options)


def SoftI2C(**options):
    return _bus("softi2c", None, options)


def SPI(id, baudrate=1000000, **options):
    options["baudrate"] = baudrate
    return _bus("spi", id, options)


def SoftSPI(baudrate=500000, **options):
    options["baudrate"] = baudrate
    return _bus("softspi", None, options)


def UART(id, baudrate=115200, **options):
    options["baudrate"] = baudrate
    return _bus("uart", id, options)


class RTC:
    """Its clock and its memory: see `rtc`."""

    def datetime(self, fields=None):
        if fields is None:
            seconds, us = divmod(rtc["us"], 1000000)
            year, month, day, hour, minute, second, weekday = tuple(time.gmtime(seconds))[:7]
            return year, month, day, weekday, hour, minute, second, us
        year, month, day, _, hour, minute, second, us = fields
        days = 365 * (year - 1970) + (year - 1969) // 4 + sum(_DAYS[: month - 1]) + day - 1
        days += year % 4 == 0 and month > 2
        rtc["us"] = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + us

    def memory(self, data=None):
        if data is None:
            return bytes(rtc["memory"])
        if len(data) > rtc["size"]:
            raise ValueError("buffer too long")
        rtc["memory"] = bytes(data)


def reset_cause():
    return state["cause"]


def freq(hertz=None):
    if hertz is None:
        return state["freq"]
    state["freq"] = hertz


def unique_id():
    return b"\x24\x0a\xc4\x01\x02\x03"


def idle():
    pass
