"""The analogue converters' drivers read what Adafruit's do from the same chips."""

import random
from importlib import import_module
from typing import Literal
from unittest import mock

import pytest

from models import ads1115, hx711, machine
from models.bus import I2C, Clock
from plexus.sensors.ads1115 import ADS1115
from plexus.sensors.hx711 import HX711
from sensors import Rig, close
from tests.oracles import Busio, judging

CHANCE = random.Random(1115)
DIFFERENCES = {(0, 1): "0-1", (0, 3): "0-3", (1, 3): "1-3", (2, 3): "2-3"}


@pytest.mark.parametrize(("model", "bits"), [("ADS1115", 16), ("ADS1015", 12)])
def test_ads1115(model: Literal["ADS1115", "ADS1015"], bits: int) -> None:
    bus = I2C()
    chip = bus.attach(ads1115.Model(model), 0x48)
    channels = (0, 1, 2, 3, *DIFFERENCES.values())
    driver = ADS1115(bus, model=model, channels=channels, full_scale_mv=4096)
    with judging(bus.clock):
        import adafruit_ads1x15

        judge = getattr(adafruit_ads1x15, model)(Busio(bus), gain=1)
        for _ in range(200):
            chip.vary(CHANCE)
            values = Rig(bus, chip, driver).values()
            for channel in range(4):
                voltage = adafruit_ads1x15.AnalogIn(judge, channel).voltage
                close(values[f"voltage_{channel}"], voltage, 1e-6)
            for (plus, minus), channel in DIFFERENCES.items():
                voltage = adafruit_ads1x15.AnalogIn(judge, plus, minus).voltage
                close(values["voltage_" + channel.replace("-", "_")], voltage, 1e-6)
        assert judge.bits == bits


class Line:
    """CircuitPython's DigitalInOut over a simulated pin."""

    def __init__(self, pin: machine.Pin) -> None:
        self._pin = pin

    @property
    def value(self) -> bool:
        return bool(self._pin.value())

    @value.setter
    def value(self, level: bool) -> None:
        self._pin.value(level)


@pytest.mark.parametrize(("gain", "pulses"), [(128, 25), (32, 26), (64, 27)])
def test_hx711(gain: Literal[128, 64, 32], pulses: int) -> None:
    clock = Clock()
    with machine.Installed(), judging(clock):
        data, sck = machine.Pin(4), machine.Pin(5)
        chip = hx711.Model(data, sck, clock)
        rig = Rig(I2C(clock), chip, HX711(data, sck, gain=gain))
        microcontroller = import_module("microcontroller")
        # What its stand-in has not.
        delay = mock.patch.object(microcontroller, "delay_us", lambda _: None, create=True)
        off = mock.patch.object(
            microcontroller, "disable_interrupts", machine.disable_irq, create=True
        )
        on = mock.patch.object(
            microcontroller, "enable_interrupts", machine.enable_irq, create=True
        )
        with delay, off, on:
            from adafruit_hx711 import hx711 as adafruit

            judge = adafruit.HX711(Line(data), Line(sck))
            rig.sample()
            clock.advance(400)  # its reset and the choice of a gain have settled
            for _ in range(200):
                chip.vary(CHANCE)
                clock.advance(100)  # it would wait for ever
                raw = judge._read_channel(pulses)
                # It has the sign in 32 bits, which here are not all.
                raw -= 1 << 32 if raw >> 31 else 0
                clock.advance(100)
                assert rig.sample() == [("weight", raw)]
