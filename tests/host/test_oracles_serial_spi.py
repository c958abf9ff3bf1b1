"""The drivers at SPI, serial lines, one-wire and pins read what others' do from the same devices.

Adafruit has one for each but two. The MAX6675's judge is the package max6675, which moves the pins
itself; the MH-Z19's is pypms.
"""

import random
import sys
from types import ModuleType
from typing import Any
from unittest import mock

import models.dht
import models.ds18x20
import models.onewire
from models import ds18b20, gps, machine, max6675, max31855, mhz19, pms5003
from models.spi import SPI
from models.uart import UART
from plexus.sensors.dht import DHT
from plexus.sensors.ds18b20 import DS18B20
from plexus.sensors.gps import GPS
from plexus.sensors.max6675 import MAX6675
from plexus.sensors.max31855 import MAX31855
from plexus.sensors.mhz19 import MHZ19
from plexus.sensors.pms5003 import PMS5003
from sensors import Rig, close
from tests.oracles import judging

CHANCE = random.Random(85)


class SharedSPI:
    """CircuitPython's busio.SPI over a simulated bus."""

    def __init__(self, bus: SPI) -> None:
        self._bus = bus

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def configure(self, **_settings: int) -> None:
        pass

    def readinto(self, buffer: bytearray) -> None:
        self._bus.readinto(buffer)


class Output:
    """CircuitPython's DigitalInOut over a simulated chip select."""

    def __init__(self, cs: machine.Pin) -> None:
        self._cs = cs

    def switch_to_output(self, value: bool) -> None:
        self._cs.init(machine.Pin.OUT, value=int(value))

    @property
    def value(self) -> bool:
        return bool(self._cs.value())

    @value.setter
    def value(self, value: bool) -> None:
        self._cs.value(int(value))


class Serial(UART):
    """CircuitPython's busio.UART: it waits for what is not yet there, up to a second."""

    @property
    def in_waiting(self) -> int:
        return self.any()

    def read(self, nbytes: int | None = None) -> bytes | None:
        for _ in range(1000):
            if self.any() >= (nbytes or 1):
                break
            self.clock.advance(1)
        return super().read(nbytes)


def select() -> machine.Pin:
    """A chip select as at power-on."""
    cs = machine.Pin(5)
    cs.connect(5)
    return cs


def test_max31855() -> None:
    bus, cs = SPI(), select()
    chip = bus.attach(max31855.Model(), cs)
    rig = Rig(bus, chip, MAX31855(bus, cs))
    with judging(bus.clock):
        from adafruit_max31855 import MAX31855 as Judge

        judge = Judge(SharedSPI(bus), Output(cs))
        for _ in range(200):
            chip.vary(CHANCE)
            values = rig.values()
            assert values["temperature"] == judge.temperature
            assert values["internal_temperature"] == judge.reference_temperature


class PinBoard:
    """What the package max6675 takes for a board: pins that it moves one by one."""

    def __init__(self, bus: SPI, cs: machine.Pin) -> None:
        self._bus = bus
        self._cs = cs
        self._sck = 0
        self._bits: list[int] = []
        cs.init(machine.Pin.OUT, value=1)

    def get_pin(self, name: str) -> mock.Mock:
        pin = mock.Mock()
        if name == "d:1:i":
            pin.read = lambda: self._bits[0]
        elif name == "d:2:o":
            pin.write = self._select
        else:
            pin.write = self._clock
        return pin

    def _select(self, value: int) -> None:
        self._cs.value(value)
        if not value:
            word = int.from_bytes(self._bus.read(2), "big")
            self._bits = [word >> i & 1 for i in range(15, -1, -1)]

    def _clock(self, value: int) -> None:
        if self._sck and not value:
            del self._bits[0]
        self._sck = value


def test_max6675() -> None:
    bus, cs = SPI(), select()
    chip = bus.attach(max6675.Model(), cs)
    rig = Rig(bus, chip, MAX6675(bus, cs))
    with judging(bus.clock):
        sys.modules["pyfirmata2"] = ModuleType("pyfirmata2")
        from max6675 import thermocouple

        board = PinBoard(bus, cs)
        judge = thermocouple(board, miso=1, cs=2, sclk=3)
        for _ in range(200):
            chip.vary(CHANCE)
            value = rig.values()["temperature"]
            bus.clock.advance(220)
            board._sck = 0
            assert value == judge.read()


def test_pms5003() -> None:
    bus = Serial(pms5003.Model())
    rig = Rig(bus, bus.talker, PMS5003(bus, counts=True))
    names = {
        "pm1_0": "pm10 env",
        "pm2_5": "pm25 env",
        "pm10": "pm100 env",
        "particles_0_3": "particles 03um",
        "particles_0_5": "particles 05um",
        "particles_1_0": "particles 10um",
        "particles_2_5": "particles 25um",
        "particles_5_0": "particles 50um",
        "particles_10": "particles 100um",
    }
    with judging(bus.clock):
        from adafruit_pm25.uart import PM25_UART

        judge = PM25_UART(bus)
        for _ in range(200):
            rig.chip.vary(CHANCE)
            # The judge takes any 0x42 for the head of a frame.
            rig.chip.words = [word & 0xBFBF for word in rig.chip.words]
            values = rig.values()
            bus.clock.advance(2000)
            bus.read(bus.any())
            expected = judge.read()
            assert values == {name: expected[theirs] for name, theirs in names.items()}


def test_mhz19() -> None:
    bus = UART(mhz19.Model())
    rig = Rig(bus, bus.talker, MHZ19(bus))
    with judging(bus.clock):
        for name in ("loguru", "serial", "typer"):  # for its command line and its log
            sys.modules[name] = mock.MagicMock()
        from pms.core import Sensor

        judge = Sensor["MHZ19B"]
        question = judge.command("passive_read").command
        for _ in range(200):
            rig.chip.vary(CHANCE)
            value = rig.values()["co2"]
            bus.write(question)
            bus.clock.advance(100)
            if (0x86 + (value >> 8) + value + 65) & 255 == 0:
                continue  # it takes the checksum 0 for 256
            assert value == judge.decode(bus.read() or b"", time=0).CO2


def test_gps() -> None:
    bus = Serial(gps.Model(), rxbuf=1024)
    rig = Rig(bus, bus.talker, GPS(bus))
    with judging(bus.clock):
        import pynmea2
        from adafruit_gps import GPS as Judge

        judge = Judge(bus)
        for _ in range(200):
            rig.chip.vary(CHANCE)
            rig.chip.digits = CHANCE.randrange(4, 8)
            values = rig.values()
            exact: Any = pynmea2.parse(gps.sentence("GN" + rig.chip.texts()[2]).decode())
            while bus.any():
                bus.read(bus.any())
                bus.clock.advance(100)
            bus.clock.advance(1000)
            while bus.any() >= 11:
                judge.update()
            position = values["position"]
            close(float(position["lat"]), exact.latitude, 6e-8)
            close(float(position["lon"]), exact.longitude, 6e-8)
            close(position["alt"], exact.altitude, 0.0005)
            # It cuts the minutes to four digits.
            close(float(position["lat"]), judge.latitude, 3e-6)
            close(float(position["lon"]), judge.longitude, 3e-6)
            close(values["speed"], (judge.speed_knots or 0) * 1852 / 3600, 0.0006)
            close(values["course"], judge.track_angle_deg, 0.0001)
            close(values["hdop"], judge.horizontal_dilution, 0.0001)
            assert values["satellites"] == judge.satellites


def test_ds18b20_and_ds18s20() -> None:
    wire = models.onewire.Wire()
    chips = [
        wire.attach(ds18b20.Model(serial, family)) for serial, family in ((7, 0x28), (9, 0x10))
    ]
    rig = Rig(wire, chips, DS18B20(wire))
    with judging(wire.clock):
        import onewireio  # pyright: ignore[reportMissingImports] -- tests/oracles/stubs

        sys.modules["onewire"] = models.onewire
        sys.modules["ds18x20"] = models.ds18x20

        class Slots:
            def __init__(self, pin: models.onewire.Wire) -> None:
                self._wire = pin

            def reset(self) -> bool:
                return not self._wire.reset()

            def read_bit(self) -> int:
                wire.clock.advance(1)
                return self._wire.read_bit()

            def write_bit(self, bit: int) -> None:
                self._wire.write_bit(int(bit))

        with mock.patch.object(onewireio, "OneWire", Slots):
            from adafruit_ds18x20 import DS18X20
            from adafruit_onewire.bus import OneWireBus

            bus = OneWireBus(wire)
            judges = {bytes(a.rom).hex(): DS18X20(bus, a) for a in bus.scan()}
            assert len(judges) == 2
            for _ in range(200):
                for chip in chips:
                    chip.vary(CHANCE)
                for _metric, value, tags in rig.sample():
                    assert value == judges[tags["rom"]].temperature


def dht_judged(dht11: bool) -> None:
    chip = models.dht.Model(dht11)
    name = "dht11" if dht11 else "dht22"
    rig = Rig(chip, chip, DHT(chip, model=name))
    with judging(chip.clock):
        import pulseio  # pyright: ignore[reportMissingImports] -- tests/oracles/stubs

        sys.modules["dht"] = models.dht

        class PulseIn(list[int]):
            def __init__(self, pin: models.dht.Model, maxlen: int, idle_state: bool) -> None:
                self._pin = pin

            def pause(self) -> None:
                pass

            def resume(self, trigger_us: int) -> None:
                self.extend(self._pin.pulses())

            def popleft(self) -> int:
                return self.pop(0)

        with mock.patch.object(pulseio, "PulseIn", PulseIn):
            import adafruit_dht

            judge = getattr(adafruit_dht, name.upper())(chip, use_pulseio=True)
            for _ in range(200):
                chip.vary(CHANCE)
                chip.clock.advance(2500)
                values = rig.values()
                chip.clock.advance(2500)
                # Numbers of one division each: equal to the last bit.
                assert values == {"humidity": judge.humidity, "temperature": judge.temperature}


def test_dht22() -> None:
    dht_judged(dht11=False)


def test_dht11() -> None:
    dht_judged(dht11=True)
