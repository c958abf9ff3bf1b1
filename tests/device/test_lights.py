"""The LED: each pattern's rhythm and colour, on each kind of LED."""

import asyncio
import sys

from firmware.lights import Lights
from models import machine
from support import FakeTicks, equal, raises

GPIO = {"kind": "gpio", "pin": 2, "active": "high"}


def rhythm(lights, ticks, is_on, milliseconds):
    """What it does in so long: [(on, ms), ...]."""
    seen = []
    left_ms = milliseconds
    while left_ms > 0:
        step_ms = min(lights.tick(), left_ms)
        if seen and seen[-1][0] == is_on():
            seen[-1] = (is_on(), seen[-1][1] + step_ms)
        else:
            seen.append((is_on(), step_ms))
        ticks.advance(step_ms)
        left_ms -= step_ms
    return seen


def gpio_rhythm(name, milliseconds):
    with machine.Installed():
        ticks = FakeTicks()
        lights = Lights(GPIO, ticks)
        lights.set(name)
        return rhythm(lights, ticks, lambda: bool(machine.Pin(2).value()), milliseconds)


def test_waiting_is_slow():
    equal(gpio_rhythm("waiting", 3000), [(True, 1000), (False, 1000), (True, 1000)])


def test_joining_is_fast():
    equal(gpio_rhythm("joining", 800), [(True, 200), (False, 200)] * 2)


def test_sending_is_a_flash_now_and_then():
    equal(gpio_rhythm("sending", 6000), [(True, 50), (False, 2950)] * 2)


def test_trouble_is_three_flashes():
    three = [(True, 150), (False, 150), (True, 150), (False, 150), (True, 150), (False, 1250)]
    equal(gpio_rhythm("trouble", 4000), three * 2)


def test_off_is_dark():
    equal(gpio_rhythm("off", 100000), [(False, 100000)])


def test_a_pattern_begins_at_once():
    with machine.Installed():
        ticks = FakeTicks()
        lights = Lights(GPIO, ticks)
        pin = machine.Pin(2)
        lights.set("sending")
        ticks.advance(1000)
        lights.tick()
        equal(pin.value(), 0)
        lights.set("joining")
        equal((pin.value(), lights.name), (1, "joining"))
        lights.set("off")
        equal(pin.value(), 0)


def test_a_loop_that_was_late_goes_on_from_now():
    with machine.Installed():
        ticks = FakeTicks()
        lights = Lights(GPIO, ticks)
        lights.set("joining")
        ticks.advance(100000)
        equal(lights.tick(), 200)


def test_an_led_that_is_on_when_low_is_off_when_high():
    with machine.Installed():
        lights = Lights(dict(GPIO, active="low"), FakeTicks())
        equal(machine.Pin(2).value(), 1)
        lights.set("joining")
        equal(machine.Pin(2).value(), 0)
        lights.set("off")
        equal(machine.Pin(2).value(), 1)


def test_what_powers_it_is_switched_on_first():
    for active, level in (("high", 1), ("low", 0)):
        with machine.Installed():
            Lights(dict(GPIO, power_pin={"pin": 7, "active": active}), FakeTicks())
            equal((machine.Pin(7).mode, machine.Pin(7).value()), (machine.Pin.OUT, level))


def test_without_an_led_there_is_nothing_to_see():
    lights = Lights(None, FakeTicks())
    lights.set("trouble")
    assert lights.tick() > 0


def test_an_unknown_pattern_is_an_error():
    with raises(KeyError, "disco"):
        Lights(None).set("disco")


class NeoPixel:
    """neopixel.NeoPixel; `shown` is what was written."""

    shown = []
    pins = []

    def __init__(self, pin, count):
        NeoPixel.pins.append(pin.id)
        self._colours = [(0, 0, 0)] * count

    def __setitem__(self, index, colour):
        self._colours[index] = colour

    def write(self):
        NeoPixel.shown.append(self._colours[0])


class Neopixels:
    """The module `neopixel`."""

    NeoPixel = NeoPixel


def test_a_neopixel_has_colours():
    before = sys.modules.get("neopixel")
    sys.modules["neopixel"] = Neopixels
    try:
        with machine.Installed():
            lights = Lights({"kind": "neopixel", "pin": 8}, FakeTicks())
            seen = [NeoPixel.shown[-1]]
            for name in ("waiting", "joining", "sending", "trouble", "off"):
                lights.set(name)
                seen.append(NeoPixel.shown[-1])
    finally:
        del sys.modules["neopixel"]
        if before:
            sys.modules["neopixel"] = before
    equal(NeoPixel.pins, [8])
    equal((seen[0], seen[-1]), ((0, 0, 0), (0, 0, 0)))
    strongest = [colour.index(max(colour)) for colour in seen[1:-1]]
    equal(strongest, [2, 0, 1, 0])  # blue, yellow, green, red
    equal(len(set(seen[1:-1])), 4)
    assert max([max(colour) for colour in seen]) <= 64, "not to dazzle"


def test_a_dotstar_gets_its_frames():
    with machine.Installed():
        bits = []
        machine.Pin(2)
        data, clock = machine.Pin(2), machine.Pin(12)
        clock.watch = lambda level: bits.append(data.value()) if level else None
        lights = Lights({"kind": "dotstar", "pin": 2, "clock_pin": 12}, FakeTicks())
        del bits[:]
        lights.set("sending")
        octets = []
        for start in range(0, len(bits), 8):
            octet = 0
            for bit in bits[start : start + 8]:
                octet = octet << 1 | bit
            octets.append(octet)
    equal(len(bits) % 8, 0)
    equal(octets[:4], [0] * 4)
    equal(octets[4] >> 5, 7)
    blue, green, red = octets[5:8]
    assert green > 0 == blue == red, octets
    equal(octets[8:], [255] * 4)


def test_it_is_a_task_of_the_program():
    with machine.Installed():
        ticks = FakeTicks()
        lights = Lights(GPIO, ticks)
        lights.set("joining")

        async def main():
            task = asyncio.create_task(lights.run())
            await asyncio.sleep(0)
            ticks.advance(200)
            while machine.Pin(2).value():
                await asyncio.sleep(0)
            task.cancel()

        asyncio.run(main())
