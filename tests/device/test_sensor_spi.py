"""The thermocouple converters on SPI: MAX31855 and MAX6675."""

from models import machine, max6675, max31855
from models.spi import SPI
from plexus.sensors.driver import SensorError
from plexus.sensors.max6675 import MAX6675
from plexus.sensors.max31855 import MAX31855
from sensors import Rig
from support import equal, raises


def rig(driver_class, model, bus=None, pin=5):
    bus = bus or SPI()
    cs = machine.Pin(pin)
    cs.connect(pin)  # as at power-on
    bus.attach(model, cs)
    return Rig(bus, model, driver_class(bus, cs))


def test_max31855_gives_the_temperatures_of_the_datasheets_tables():
    r = rig(MAX31855, max31855.Model())
    # Table 4, and those of table 5.
    for raw, temperature in (
        (0b01100100000000, 1600.0),
        (0b00111110100000, 1000.0),
        (0b00000110010011, 100.75),
        (0b00000001100100, 25.0),
        (0b00000000000000, 0.0),
        (0b11111111111111, -0.25),
        (0b11111111111100, -1.0),
        (0b11110000011000, -250.0),
    ):
        r.chip.raw = raw
        equal(r.values()["temperature"], temperature)
    r.chip.raw = 0
    for raw, temperature in (
        (0b011111110000, 127.0),
        (0b011001001001, 100.5625),
        (0b000110010000, 25.0),
        (0b111111111111, -0.0625),
        (0b111111110000, -1.0),
        (0b111011000000, -20.0),
        (0b110010010000, -55.0),
    ):
        r.chip.raw_internal = raw
        equal(r.values(), {"temperature": 0.0, "internal_temperature": temperature})


def test_max31855_names_the_fault():
    r = rig(MAX31855, max31855.Model())
    for fault, words in (
        (max31855.OPEN, "open"),
        (max31855.SHORT_TO_GROUND, "shorted to ground"),
        (max31855.SHORT_TO_SUPPLY, "shorted to the supply"),
    ):
        r.chip.fault = fault
        with raises(SensorError, "MAX31855", words):
            r.sample()
    r.chip.fault = 0
    equal(r.values()["temperature"], 100.75)


def test_max31855_is_read_when_it_has_converted_anew():
    r = rig(MAX31855, max31855.Model())
    for raw in (100, 200, 300):
        r.chip.raw = raw
        equal(r.values()["temperature"], raw / 4)


def test_a_thermocouple_converter_that_is_not_there_is_an_error():
    for driver_class, model in ((MAX31855, max31855.Model()), (MAX6675, max6675.Model())):
        for floating in (0xFF, 0x00):
            r = rig(driver_class, model)
            r.bus.remove(model)
            r.bus.floating = floating
            with raises(SensorError, "no answer"):
                r.sample()


def test_a_converters_chip_select_is_high_but_during_the_transfer():
    bus = SPI()
    rigs = [rig(MAX31855, max31855.Model(), bus), rig(MAX6675, max6675.Model(), bus, pin=16)]
    for _ in range(2):
        for r in rigs:
            equal(r.values()["temperature"], 100.75)
            equal(r.driver.cs(), 1)


def test_a_driver_that_waits_for_its_turn_keeps_its_chip_off_the_bus():
    bus = SPI()
    first, _ = [rig(MAX31855, max31855.Model(), bus), rig(MAX6675, max6675.Model(), bus, pin=16)]
    equal(first.values()["temperature"], 100.75)


def test_a_chip_is_let_go_of_when_the_transfer_fails():
    r = rig(MAX6675, max6675.Model())
    r.sample()
    r.chip.exchange = None
    with raises(TypeError):
        r.sample()
    equal(r.driver.cs(), 1)


def test_max6675_reads_quarters_of_a_degree():
    r = rig(MAX6675, max6675.Model())
    for raw in (1, 2, 2048, 4094):
        for r.chip.last_bit in (0, 1):
            r.chip.raw = raw
            equal(r.values(), {"temperature": raw / 4})


def test_max6675_without_thermocouple_is_an_error():
    r = rig(MAX6675, max6675.Model())
    r.chip.open = True
    with raises(SensorError, "MAX6675", "open"):
        r.sample()


def test_max6675_at_the_ends_of_its_range_is_an_error():
    r = rig(MAX6675, max6675.Model())
    for raw, words in ((0, "0 °C or less"), (4095, "1023.75 °C or more")):
        r.chip.raw = raw
        with raises(SensorError, words):
            r.sample()
