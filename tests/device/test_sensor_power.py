"""Power: INA219, INA226, INA260, and the fuel gauges MAX17048 and MAX17043."""

from models import ina219, ina226, ina260, max17048
from models.bus import I2C, Nack
from plexus.sensors.driver import SensorError
from plexus.sensors.ina219 import INA219
from plexus.sensors.ina226 import INA226
from plexus.sensors.ina260 import INA260
from plexus.sensors.max17048 import MAX17048
from sensors import close, i2c_rig
from support import equal, raises

MONITORS = ((INA219, ina219), (INA226, ina226), (INA260, ina260))


def test_ina219_gives_the_datasheets_worked_example():
    # A shunt of 2 milliohms at 10 A: 20 mV, 11.98 V, 119.8 W.
    values = i2c_rig(INA219, ina219.Model(), shunt=0.002).values()
    expected = {"voltage": 11.98, "shunt_voltage": 0.02, "current": 10.0, "power": 119.8}
    equal(values, expected)


def test_ina226_gives_the_datasheets_worked_example():
    # The same, in registers 1F40h and 2570h.
    values = i2c_rig(INA226, ina226.Model(), shunt=0.002).values()
    expected = {"voltage": 11.98, "shunt_voltage": 0.02, "current": 10.0, "power": 119.8}
    equal(values, expected)


def test_ina260_gives_current_without_a_shunt():
    values = i2c_rig(INA260, ina260.Model()).values()
    equal(values, {"voltage": 11.98, "current": 10.0, "power": 119.8})


def test_a_current_that_flows_back_is_negative_and_so_is_its_power():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        there = rig.values()
        for raw in ("raw_shunt", "raw_current"):
            if hasattr(rig.chip, raw):
                setattr(rig.chip, raw, -getattr(rig.chip, raw))
        back = rig.values()
        equal(back["voltage"], there["voltage"])
        equal(back["current"], -there["current"])
        equal(back["power"], -there["power"])


def test_monitors_wait_long_enough_for_each_number_of_samples():
    for driver, model in MONITORS:
        for samples in driver.SAMPLES:
            rig = i2c_rig(driver, model.Model(), samples=samples)
            equal(rig.values()["voltage"], 11.98)


def test_monitors_average_what_their_datasheets_list():
    equal(INA219.SAMPLES, (1, 2, 4, 8, 16, 32, 64, 128))
    equal(INA226.SAMPLES, (1, 4, 16, 64, 128, 256, 512, 1024))
    equal(INA260.SAMPLES, INA226.SAMPLES)


def test_monitors_measure_anew_at_each_read():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        rig.values()
        rig.chip.raw_bus = 800
        equal(rig.values()["voltage"], 3.2 if driver is INA219 else 1.0)


def test_monitors_that_stand_still_are_an_error():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        rig.values()
        rig.chip.duration_ms = lambda configuration: 100000
        with raises(SensorError, "0x40", "does not end"):
            rig.sample()


def test_monitors_overflow_is_an_error():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        rig.chip.overflow = True
        with raises(SensorError, "0x40", "overflow"):
            rig.sample()


def test_monitors_saturated_converter_is_an_error():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        for raw in (40000, -40000):
            if hasattr(rig.chip, "raw_shunt"):
                rig.chip.raw_shunt = raw
            else:
                rig.chip.raw_current = raw
            with raises(SensorError, "0x40", "more current"):
                rig.sample()


def test_monitors_at_the_ends_of_their_ranges():
    rig = i2c_rig(INA219, ina219.Model())
    rig.chip.raw_shunt, rig.chip.raw_bus = -31999, 0
    expected = {"voltage": 0, "shunt_voltage": -0.31999, "current": -3.1999, "power": 0}
    close(rig.values(), expected, 1e-7)
    rig = i2c_rig(INA226, ina226.Model())
    rig.chip.raw_shunt, rig.chip.raw_bus = 32766, 28800
    close(rig.values()["voltage"], 36, 1e-6)
    close(rig.values()["current"], 0.819150, 1e-6)


def test_shunt_gives_the_current():
    for driver, model in MONITORS[:2]:
        for shunt, current in ((0.1, 0.2), (0.01, 2.0), (0.00075, 26.666667), (1, 0.02)):
            rig = i2c_rig(driver, model.Model(), shunt=shunt)
            close(rig.values()["current"], current, 0.000003)


def test_monitors_are_told_apart_at_every_address():
    for _, model in MONITORS:
        name = model.__name__.split(".")[-1].upper()
        for address in INA219.ADDRESSES:
            bus = I2C()
            bus.attach(model.Model(), address)
            for driver, _ in MONITORS:
                expected = name if driver.__name__ == name else None
                equal(driver.identify(bus, address), expected)
    equal(INA219.ADDRESSES[0], 0x40)
    equal(len(INA219.ADDRESSES), 16)


class Sht:
    """A chip with commands in place of registers: others are not acknowledged. It notes them."""

    def __init__(self):
        self.commands = []

    def write(self, data):
        self.commands.append(data[0])
        raise Nack

    read = write


class Lm75:
    """A thermometer with four registers, of which it decodes no more than two bits."""

    def __init__(self, temperature):
        self.words = [temperature, 0, 0x4B00, 0x5000]
        self.pointer = 0

    def write(self, data):
        self.pointer = data[0] & 3
        assert len(data) == 1, "a probe wrote a register"

    def read(self, count):
        word = self.words[self.pointer]
        return bytes((word >> 8, word & 255))[:count]


def test_monitors_take_no_thermometer_for_theirs():
    for driver, _ in MONITORS:
        for temperature in range(0, 0x10000, 0x20):
            bus = I2C()
            bus.attach(Lm75(temperature), 0x48)
            equal(driver.identify(bus, 0x48), None)


class Sht45(Sht):
    """One that acknowledges them all, and of which nothing is read: the wires are high."""

    def write(self, data):
        self.commands.append(data[0])

    def read(self, count):
        return b"\xff" * count


def test_monitors_do_not_reset_a_chip_with_commands():
    for driver, _ in MONITORS:
        for other in (Sht, Sht45):
            bus = I2C()
            chip = bus.attach(other(), 0x40)
            equal(driver.identify(bus, 0x40), None)
            assert 0xFE not in chip.commands


def test_ina219_is_known_by_all_of_its_bits():
    # A word that it cannot have (register, bits), each by itself, makes it another.
    strange = ((0, 0x8000), (0, 0x4000), (0, 0x0078), (2, 4), (4, 0x399F), (5, 1))
    for register, bits in strange:
        rig = i2c_rig(INA219, ina219.Model())
        word = rig.chip.word
        rig.chip.word = lambda n: word(n) ^ bits if n == register else word(n)  # noqa: B023
        equal(INA219.identify(rig.bus, 0x40), None)
        rig.chip.word = word
        equal(INA219.identify(rig.bus, 0x40), "INA219")
    rig.bus.writeto_mem(0x40, 0, b"\x39\x98")  # powered down
    equal(INA219.identify(rig.bus, 0x40), None)


def test_ina219_is_known_and_works_after_any_of_our_settings():
    for samples in INA219.SAMPLES:
        rig = i2c_rig(INA219, ina219.Model(), samples=samples)
        rig.values()
        equal(INA219.identify(rig.bus, 0x40), "INA219")
        rig.driver.ready = False
        rig.values()


def test_ina219_with_anothers_settings_works_though_not_known():
    rig = i2c_rig(INA219, ina219.Model())
    rig.bus.writeto_mem(0x40, 0, b"\x01\x9f")
    rig.bus.writeto_mem(0x40, 5, b"\x50\x00")
    equal(INA219.identify(rig.bus, 0x40), None)
    equal(rig.values()["voltage"], 11.98)
    equal(rig.chip.registers[5], 0)  # its calibration, with which it might overflow


def test_monitors_refuse_another_chip():
    for driver, model in MONITORS:
        rig = i2c_rig(driver, model.Model())
        rig.chip.wrong_id()
        with raises(SensorError, "0x40", "not INA2"):
            rig.sample()


def test_monitors_refuse_wrong_options():
    with raises(ValueError, "samples: 3", "1, 2, 4"):
        INA219(None, samples=3)
    with raises(ValueError, "samples: 2", "1, 4, 16"):
        INA260(None, samples=2)
    for driver in (INA219, INA226):
        for shunt in (0, -0.1, "0.1", 1e-9, True):
            with raises(ValueError, "shunt: ", "give a number", "to 1000"):
                driver(None, shunt=shunt)


def test_max17048_gives_voltage_charge_and_rate():
    values = i2c_rig(MAX17048, max17048.Model()).values()
    equal(values, {"voltage": 3.75, "charge": 50.39, "charge_rate": -5.2})


def test_max17043_gives_voltage_and_charge():
    rig = i2c_rig(MAX17048, max17048.Model17043())
    equal(MAX17048.identify(rig.bus, 0x36), "MAX17043")
    equal(rig.values(), {"voltage": 3.75, "charge": 50.39})


def test_max17048_waits_for_the_first_values():
    rig = i2c_rig(MAX17048, max17048.Model())
    rig.bus.clock.advance(5000)
    rig.chip.powered_ms = 5000
    equal(rig.values()["charge"], 50.39)


def test_max17048_is_woken_and_waited_for():
    rig = i2c_rig(MAX17048, max17048.Model())
    rig.values()
    rig.bus.writeto_mem(0x36, 0x0D, b"\x9c")
    rig.chip.raw_voltage = 51200
    with raises(SensorError, "0x36", "sleeps"):
        rig.sample()
    equal(rig.values()["voltage"], 4.0)
    equal(rig.chip.registers[0x0C:0x0E], b"\x97\x1c")


def test_max17048_counts_its_cells():
    rig = i2c_rig(MAX17048, max17048.Model(), cells=2)
    equal(rig.values()["voltage"], 7.5)


def test_max17048_without_a_cell_is_an_error():
    rig = i2c_rig(MAX17048, max17048.Model())
    rig.chip.raw_voltage = 0
    with raises(SensorError, "0x36", "cell"):
        rig.sample()


def test_max17048_refuses_another_chip_and_wrong_options():
    rig = i2c_rig(MAX17048, max17048.Model())
    rig.chip.wrong_id()
    with raises(SensorError, "0x36", "not MAX17048"):
        rig.sample()
    with raises(ValueError, "cells: 3", "1 or 2"):
        MAX17048(None, cells=3)
