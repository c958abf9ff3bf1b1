"""The scan names what is on a bus, tells chips that share an address apart, and disturbs none."""

import sys

from test_sensor_faults import eventually

from models.bus import I2C
from models.chip import RegisterChip
from plexus.sensors import driver_class
from plexus.sensors.sampling.find import Found, driver_names, scan
from sensors import every_i2c_driver, i2c_rig
from support import equal

TIMEOUT_S = 120


class Unknown:
    """A chip that nobody knows: acknowledges all, and reads 0xA5."""

    def write(self, data):
        pass

    def read(self, count):
        return b"\xa5" * count


def test_every_chip_is_found_at_each_of_its_addresses():
    for name, driver, model in every_i2c_driver():
        for address in driver.ADDRESSES:
            bus = I2C()
            bus.attach(model(), address)
            (found,) = scan(bus)
            equal(found.address, address)
            if driver.chip is not None:
                equal((name, found.driver), (name, name))
                assert found.chip, name
            else:
                assert name in (found.driver,) + found.candidates, (name, found)
                equal(found.chip, None)


def test_what_is_on_a_bus_is_found_in_one_scan():
    from models import bh1750, bme280, mpu6050

    bus = I2C()
    for model, address in ((mpu6050, 0x68), (bh1750, 0x23), (bme280, 0x77)):
        bus.attach(model.Model(), address)
    equal(
        scan(bus),
        [
            Found(0x23, "bh1750", None, ()),
            Found(0x68, "mpu6050", "MPU6050", ()),
            Found(0x77, "bme280", "BME280", ()),
        ],
    )


def test_unknown_devices_are_told_with_their_address():
    bus = I2C()
    bus.attach(Unknown(), 0x50)
    bus.attach(Unknown(), 0x76)
    equal(scan(bus), [Found(0x50, None, None, ()), Found(0x76, None, None, ())])


class Latch:
    """A chip without registers: what is written is its state, which is what is read.

    The PCF8574A at 0x38 to 0x3F (its outputs), the TCA9548A at 0x70 to 0x77 (its open lines).
    """

    def __init__(self, state):
        self.state = state

    def write(self, data):
        self.state = data[-1]

    def read(self, count):
        return bytes([self.state]) * count


def test_a_chip_without_registers_is_asked_nothing_and_read_by_no_driver():
    for address in (0x38, 0x39, 0x76, 0x77):
        for state in (0xFF, 0x00, 0x05):
            bus = I2C()
            latch = bus.attach(Latch(state), address)
            equal(scan(bus), [Found(address, None, None, ())])
            equal(latch.state, state)


class AW9523(RegisterChip):
    """An expander of 16 lines: 0x20 to 0x2F are the currents of LEDs, all off at power-on."""

    WRITABLE = tuple(range(0x02, 0x30))

    def __init__(self):
        super().__init__()
        self.put(0x10, (0x23,))


def test_an_expander_at_the_address_of_a_chip_with_long_commands_is_asked_no_command():
    for address in (0x58, 0x59):
        bus = I2C()
        expander = bus.attach(AW9523(), address)
        equal(scan(bus), [Found(address, None, None, ())])
        equal(bytes(expander.registers[0x20:0x30]), bytes(16))


def test_a_chip_whose_registers_are_zero_at_the_beginning_is_known():
    from models import apds9960, bmp280

    for model, address in ((bmp280, 0x76), (apds9960, 0x39)):
        bus = I2C()
        chip = bus.attach(model.Model(), address)
        chip.pointer = 0
        equal(bytes(chip.registers[:64]), bytes(64))
        equal(scan(bus)[0].driver, model.__name__.split(".")[-1])


def test_a_bus_on_which_nobody_is_has_nothing():
    equal(scan(I2C()), [])


def test_no_chip_is_taken_for_another_nor_disturbed_by_the_question():
    for name, driver, model in every_i2c_driver():
        for other in driver_names():
            stranger = driver_class(other)
            shared = set(driver.ADDRESSES) & set(stranger.ADDRESSES)
            if other == name or not shared or stranger.chip is None:
                continue
            address = min(shared)
            rig = i2c_rig(driver, model(), address)
            eventually(rig)
            rig.bus.clock.advance(driver.INTERVAL_MS)
            answer = stranger.identify(rig.bus, address)
            assert answer is None, "%s was taken for a %s" % (name, answer)
            # Not set up again: it goes on with what it had.
            assert rig.driver.ready
            try:
                assert rig.sample() or rig.sample(), "no reading"
            except Exception as error:  # noqa: BLE001 -- goes on with the names
                raise AssertionError("%s after a question by %s: %s" % (name, other, error))


def test_drivers_that_were_only_asked_do_not_stay_in_memory():
    bus = I2C()
    bus.attach(Unknown(), 0x76)
    for name in driver_names():
        sys.modules.pop("plexus.sensors." + name, None)
    scan(bus)
    for name in ("bme280", "bmp280", "bme680"):
        assert "plexus.sensors." + name not in sys.modules, name
