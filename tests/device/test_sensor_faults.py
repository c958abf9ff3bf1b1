"""Every I2C driver over its model, with the faults of a real bus: absent, stuck, noise, replugged.

One test does a fault for all drivers; what it says in its failure is the driver's name.
"""

import gc

from plexus.sensors.driver import SensorError
from sensors import every_i2c_driver, i2c_rig
from support import raises

TIMEOUT_S = 120
# Of these a wrong checksum is what tells another chip, or that it does not know the command.
KNOWN_BY_CHECKSUM = ("SCD4x", "SHT4x")
WITHOUT_ID = ("LM75",)  # recognised by its limits at power-on, which a user may change


def eventually(rig):
    """The first readings that come; some chips have none till they are warm."""
    for _ in range(100):
        readings = rig.sample()
        if readings:
            return readings
        rig.bus.clock.advance(rig.driver.INTERVAL_MS)
    raise AssertionError("no reading in 100 measurements")


def for_every_driver(check):
    for name, driver, model in every_i2c_driver():
        try:
            check(i2c_rig(driver, model()), model)
        except Exception as error:  # noqa: BLE001 -- goes on with the name
            raise AssertionError("%s: %s: %s" % (name, type(error).__name__, error))
        gc.collect()


def refused(rig, *words):
    with raises(SensorError, "0x%02x: " % rig.driver.address, *words):
        rig.sample()


def test_drivers_give_the_metrics_that_they_announce():
    def check(rig, model):
        metrics = {reading[0] for reading in eventually(rig)}
        unknown = metrics - set(rig.driver.METRICS)
        assert metrics and not unknown, unknown

    for_every_driver(check)


def test_a_chip_that_is_absent_is_an_error_that_names_its_address():
    def check(rig, model):
        rig.bus.remove(rig.driver.address)
        refused(rig, "no answer")

    for_every_driver(check)


def test_a_bus_that_is_stuck_is_an_error_and_passes():
    def check(rig, model):
        eventually(rig)
        rig.bus.stuck = True
        refused(rig, "no answer")
        rig.bus.stuck = False
        eventually(rig)

    for_every_driver(check)


def test_another_chip_at_the_address_is_an_error():
    def check(rig, model):
        if hasattr(rig.chip, "wrong_id"):
            rig.chip.wrong_id()
            name = type(rig.driver).__name__
            if name in KNOWN_BY_CHECKSUM:
                return refused(rig, "checksum")
            refused(rig, "a different chip, not %s; a clone needs any_id" % name)
        else:
            known = rig.driver.chip is not None and type(rig.driver).__name__ not in WITHOUT_ID
            assert not known, "a chip with an id, and a model without wrong_id()"

    for_every_driver(check)


def test_a_clone_with_another_id_is_read_if_any_will_do():
    known = []
    for name, driver, model in every_i2c_driver():
        chip = model()
        if not hasattr(chip, "wrong_id") or driver.__name__ in KNOWN_BY_CHECKSUM:
            continue
        chip.wrong_id()
        rig = i2c_rig(driver, chip, any_id=True)
        try:
            metrics = {reading[0] for reading in eventually(rig)}
        except Exception as error:  # noqa: BLE001 -- goes on with the name
            raise AssertionError("%s: %s: %s" % (name, type(error).__name__, error))
        assert metrics <= set(driver.METRICS), name
        known.append(name)
        gc.collect()
    assert len(known) > 20, known


def test_any_id_is_true_or_false():
    for _, driver, model in every_i2c_driver():
        if hasattr(model, "wrong_id") and driver.__name__ not in KNOWN_BY_CHECKSUM:
            for value in (1, "yes", None):
                with raises(ValueError, "any_id: %r; give True or False" % (value,)):
                    driver(None, any_id=value)


def test_a_transfer_that_fails_once_does_no_harm():
    def check(rig, model):
        eventually(rig)
        start = len(rig.bus.log)
        rig.sample()
        for number in range(len(rig.bus.log) - start):
            rig.bus.clock.advance(rig.driver.INTERVAL_MS)
            rig.bus.nack_at = number
            rig.sample()
            rig.bus.nack_at = None  # not all measurements ask as often whether the chip is done

    for_every_driver(check)


def test_a_replugged_chip_is_set_up_and_read_again():
    def check(rig, model):
        eventually(rig)
        address = rig.driver.address
        rig.bus.remove(address)
        refused(rig)
        rig.chip = rig.bus.attach(model(), address)
        rig.bus.clock.advance(2000)  # what the slowest chip needs to start
        metrics = {reading[0] for reading in eventually(rig)}
        assert metrics <= set(rig.driver.METRICS)

    for_every_driver(check)
