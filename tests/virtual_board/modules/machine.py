"""The module `machine` of a virtual board: that of tests/models, with resets, sleep and timers."""

import _thread
import time

import _host
import micropython

from models import machine as _model
from models.bus import I2C as _I2C
from models.machine import *

PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
TOUCHPAD_WAKE = 5
ULP_WAKE = 6
WLAN_WAKE = 7
SLEEP = 2
DEEPSLEEP = 4

_LOOK_MS = 10  # how often to look for a pin's edge
wake_pins = {}  # those that end a deep sleep, and the level that does: set by module esp32


class _RealClock:
    """The time of buses and chips: that of the board."""

    now_ms = property(lambda self: time.ticks_ms())


class _Forgetful:
    """In place of a bus's log, which would grow as long as the program runs."""

    def append(self, item):
        pass


clock = _RealClock()


def bus(name):
    """The simulated bus of this name, as the ESP32 has them."""
    if name not in _model.buses:
        kind = name.rstrip("0123456789")
        if name not in ("i2c0", "i2c1", "softi2c", "spi1", "spi2", "softspi", "uart1", "uart2"):
            raise ValueError("%s doesn't exist" % name)
        if kind.endswith("i2c"):
            made = _I2C(clock)
            made.log = _Forgetful()
        elif kind.endswith("spi"):
            made = _host.model("spi").SPI(clock)
        else:
            made = _host.model("uart").UART(None, clock, rxbuf=1024)
            made.written = _Forgetful()
        _model.buses[name] = made
    return _model.buses[name]


def _bus(kind, id, options):
    _host.world()
    return bus(kind + ("" if id is None else str(id)))


_model._bus = _bus


class Pin(_model.Pin):
    def value(self, level=None):
        _host.world()
        return super().value(level)

    def irq(self, handler=None, trigger=_model.Pin.IRQ_RISING | _model.Pin.IRQ_FALLING, wake=None):
        super().irq(handler, trigger, wake)
        if handler and not _looking:
            _looking.append(Timer(-1))
            _looking[0].init(period=_LOOK_MS, callback=lambda _: _host.world())

    def _changed(self, before):
        super()._changed(before)
        after = self.drives()
        if after != before and not self.watch:
            _host.tell("pin", pin=self.id, level=after)


_looking = []
_model.Pin = Pin


class ADC(_model.ADC):
    def _level_uv(self):
        _host.world()
        return super()._level_uv()


def _drive(world):
    levels = world["pins"]
    for name in list(_driven):
        if name not in levels:
            _driven.discard(name)
            Pin(int(name)).drive(None)
    for name, level in levels.items():
        if isinstance(level, dict):
            Pin(int(name)).level_uv = level["uv"]
            continue
        _driven.add(name)
        pin = Pin(int(name))
        if pin.driven != level:
            pin.drive(level)


_driven = set()
_host.listen(_drive)


class Signal:
    def __init__(self, pin, *mode, invert=False):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin, *mode)
        self._invert = invert

    def value(self, level=None):
        if level is None:
            return self._pin.value() ^ self._invert
        self._pin.value(bool(level) ^ self._invert)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class PWM:
    """A pin that is told as driven while its duty is not 0."""

    def __init__(self, pin, freq=5000, duty_u16=0, duty=None, invert=0):
        self._pin = pin
        self._freq = freq
        self._duty = 0
        self.duty_u16(duty_u16 if duty is None else duty << 6)

    def init(self, freq=None, duty_u16=None, duty=None):
        if freq is not None:
            self._freq = freq
        if duty is not None:
            duty_u16 = duty << 6
        if duty_u16 is not None:
            self.duty_u16(duty_u16)

    def freq(self, hertz=None):
        if hertz is None:
            return self._freq
        self._freq = hertz

    def duty_u16(self, duty=None):
        if duty is None:
            return self._duty
        self._duty = duty
        _host.tell("pin", pin=self._pin.id, level=1 if duty else 0)

    def duty(self, duty=None):
        if duty is None:
            return self._duty >> 6
        self.duty_u16(duty << 6)

    def deinit(self):
        self.duty_u16(0)


class Timer:
    """A timer. Its callback runs between the program's own steps; not while a call blocks.

    It waits in MicroPython's queue once at a time. A full queue would raise, and in a full heap all
    threads share one exception: it would become that of the program.
    """

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, **options):
        self._run = None  # an object for each init(): the thread of another one ends
        if options:
            self.init(**options)

    def init(self, mode=PERIODIC, callback=None, period=None, freq=None):
        if period is None:
            period = 1000 // (freq or 1)
        self._run = run = object()
        _thread.start_new_thread(self._wait, (run, mode, callback, max(period, 1)))

    def deinit(self):
        self._run = None

    def _wait(self, run, mode, callback, period):
        waits = [False]  # whether the callback is in the queue

        def call(_):
            try:
                waits[0] = False
                callback(self)
            except KeyboardInterrupt:
                # MicroPython would print it here, and the program would go on.
                waits[0] = False
                _host.tell("interrupted")

        due = time.ticks_ms()
        while True:
            due = time.ticks_add(due, period)
            time.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))
            if self._run is not run:
                return
            if callback and not waits[0]:
                waits[0] = True
                try:
                    micropython.schedule(call, None)
                except RuntimeError:
                    waits[0] = False  # the queue is full, as it may be on a chip
            if mode == self.ONE_SHOT:
                return


_RESET = b'{"op": "reset"}\n'
_FEED = b'{"op": "wdt", "ms": null}\n'


class WDT:
    """The task watchdog: once it runs, it runs until the chip is reset."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _host.tell("wdt", ms=timeout)

    def feed(self):
        _host.tell_line(_FEED)


class RTC:
    """The clock and 2048 bytes of memory that outlive all resets but a loss of power."""

    def __init__(self, id=0):
        pass

    def datetime(self, fields=None):
        if fields is None:
            now = time.time_ns() // 1000
            year, month, day, hour, minute, second, weekday = time.gmtime(now // 1000000)[:7]
            return year, month, day, weekday, hour, minute, second, now % 1000000
        year, month, day, _, hour, minute, second, us = fields
        seconds = time.mktime((year, month, day, hour, minute, second, 0, 0))
        time.set_ns((seconds * 1000000 + us) * 1000)

    init = datetime

    def memory(self, data=None):
        if data is None:
            return bytes.fromhex(_host.kept.get("rtc_memory", ""))
        if len(data) > 2048:
            raise ValueError("buffer too long")
        _host.keep("rtc_memory", bytes(data).hex())


_model.state["cause"] = _host.start["cause"]


def unique_id():
    return bytes.fromhex(_host.start["unique_id"])


def wake_reason():
    return {"timer": TIMER_WAKE, "pin": PIN_WAKE}.get(_host.start["wake_reason"], 0)


def reset():
    _host.tell_line(_RESET)  # in a full heap too
    while True:
        time.sleep(10)


def soft_reset():
    raise SystemExit


def deepsleep(time_ms=None):
    if time_ms is None:
        time_ms = wake_pins.pop("timer_ms", None)
    pins = {str(pin): level for pin, level in wake_pins.items() if pin != "timer_ms"}
    _host.end("sleep", ms=time_ms, pins=pins)


def lightsleep(time_ms=None):
    scale = _host.world()["sleep_scale"]
    time.sleep_ms(int((time_ms or 0) * scale))


sleep = lightsleep
