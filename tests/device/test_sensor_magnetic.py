"""The magnetic sensors: HMC5883L, QMC5883L and LIS3MDL."""

from models import hmc5883l, lis3mdl, qmc5883l
from models.bus import I2C
from models.chip import RegisterChip
from plexus.sensors.driver import SensorError
from plexus.sensors.hmc5883l import HMC5883L
from plexus.sensors.lis3mdl import LIS3MDL
from plexus.sensors.qmc5883l import QMC5883L
from sensors import close, i2c_rig
from support import equal, raises

# Driver, model, its values of 1 gauss (100 µT), and the ranges.
SENSORS = (
    (HMC5883L, hmc5883l, 1370, (88, 130, 190, 250, 400, 470, 560, 810)),
    (QMC5883L, qmc5883l, 12000, (200, 800)),
    (LIS3MDL, lis3mdl, 6842, (400, 800, 1200, 1600)),
)


def test_each_magnetic_sensor_gives_the_field_by_axis():
    for driver, module, _, _ in SENSORS:
        rig = i2c_rig(driver, module.Model())
        close(rig.values()["magnetic_field"], {"x": 20, "y": -10, "z": 50}, 0.1)


def test_the_field_is_the_same_in_every_range():
    for driver, module, per_gauss, ranges in SENSORS:
        for field_range in ranges:
            rig = i2c_rig(driver, module.Model(), field_range=field_range)
            rig.chip.field = [
                per_gauss * 8 // 10,
                -per_gauss * field_range * 95 // 10000,
                per_gauss * field_range * 95 // 10000,
            ]
            end = 0.95 * field_range
            close(rig.values()["magnetic_field"], {"x": 80, "y": -end, "z": end}, 0.35)


def test_a_field_beyond_the_range_is_an_error_and_the_next_within_is_not():
    for driver, module, per_gauss, ranges in SENSORS:
        for sign in (-1, 1):
            rig = i2c_rig(driver, module.Model(), field_range=ranges[1])
            rig.values()
            rig.chip.field = [0, 0, sign * per_gauss * ranges[1] * 2 // 100]
            rig.bus.clock.advance(100)
            with raises(SensorError, "beyond field_range"):
                rig.values()
            rig.chip.field = [0, 0, sign * per_gauss]
            rig.bus.clock.advance(100)
            close(rig.values()["magnetic_field"]["z"], sign * 100, 0.2)


def test_an_option_that_a_magnetic_sensor_has_not_names_itself_and_the_choices():
    with raises(ValueError, "field_range: 1; give 88, 130, ", "560 or 810"):
        HMC5883L(None, field_range=1)
    with raises(ValueError, "field_range: 2; give 200 or 800"):
        QMC5883L(None, field_range=2)
    with raises(ValueError, "field_range: 4; give 400, 800, 1200 or 1600"):
        LIS3MDL(None, field_range=4)


def test_each_magnetic_sensor_is_named_by_its_id_and_another_is_none():
    for driver, module, _, _ in SENSORS:
        name = driver.__name__
        for address in driver.ADDRESSES:
            bus = I2C()
            chip = bus.attach(module.Model(), address)
            equal(driver.identify(bus, address), name)
            for _, data, count in bus.log:
                assert count and len(data) == 1  # nothing was written
            chip.wrong_id()
            equal(driver.identify(bus, address), None)
            with raises(SensorError, "0x%02x: a different chip, not %s" % (address, name)):
                list(driver(bus, address).sample())


def test_hmc5883l_and_lis3mdl_are_told_from_each_other():
    bus = I2C()
    bus.attach(lis3mdl.Model(), 0x1E)
    equal((HMC5883L.identify(bus, 0x1E), LIS3MDL.identify(bus, 0x1E)), (None, "LIS3MDL"))
    bus.attach(hmc5883l.Model(), 0x1E)
    equal((HMC5883L.identify(bus, 0x1E), LIS3MDL.identify(bus, 0x1E)), ("HMC5883L", None))


def test_qmc5883l_is_not_seen_where_all_reads_as_ones():
    bus = I2C()
    chip = bus.attach(RegisterChip(), 0x0D)
    chip.put(0, b"\xff" * 256)
    equal(QMC5883L.identify(bus, 0x0D), None)


def test_qmc5883l_is_known_while_it_runs():
    rig = i2c_rig(QMC5883L, qmc5883l.Model(), field_range=800)
    rig.values()
    equal(rig.driver.chip(), "QMC5883L")


def test_each_magnetic_sensor_goes_on_after_a_loss_of_power():
    for driver, module, _, ranges in SENSORS:
        rig = i2c_rig(driver, module.Model(), field_range=ranges[-1])
        before = rig.values()
        rig.bus.clock.advance(1000)
        rig.chip.power_on()
        equal(rig.values(), before)


def test_each_magnetic_sensor_gives_what_is_new_however_fast_it_is_read():
    for driver, module, per_gauss, _ in SENSORS:
        rig = i2c_rig(driver, module.Model())
        for field in (1, -1, 0):
            rig.chip.field = [per_gauss * field // 2, 0, 0]
            close(rig.values()["magnetic_field"]["x"], field * 50, 0.1)


def test_a_magnetic_sensor_without_new_data_is_an_error():
    for driver, module, _, _ in SENSORS[1:]:
        rig = i2c_rig(driver, module.Model())
        rig.values()
        rig.chip.period_ms = lambda: 0
        with raises(SensorError, "no new data"):
            rig.values()


def test_hmc5883l_that_does_not_end_its_measurement_is_an_error():
    rig = i2c_rig(HMC5883L, hmc5883l.Model())
    rig.values()
    rig.chip.stuck = True
    with raises(SensorError, "0x1e: the measurement does not end"):
        rig.values()


def test_hmc5883l_first_value_after_a_change_of_range_has_the_new_one():
    # The chip gives the first measurement after a change of its gain with the old gain.
    rig = i2c_rig(HMC5883L, hmc5883l.Model(), field_range=810)
    close(rig.values()["magnetic_field"], {"x": 20, "y": -10, "z": 50}, 0.3)


def test_hmc5883l_overflow_of_any_axis_is_an_error():
    for axis in range(3):
        rig = i2c_rig(HMC5883L, hmc5883l.Model())
        rig.chip.field[axis] = 3000
        with raises(SensorError, "beyond field_range"):
            rig.values()


def test_qmc5883l_overflow_flag_is_an_error_whatever_the_values():
    rig = i2c_rig(QMC5883L, qmc5883l.Model())
    convert = rig.chip.convert

    def overflow():
        convert()
        rig.chip.registers[0x06] |= 0x02

    rig.chip.convert = overflow
    with raises(SensorError, "0x0d: beyond field_range"):
        rig.values()


def test_qmc5883l_writes_the_period_that_the_datasheet_recommends():
    rig = i2c_rig(QMC5883L, qmc5883l.Model())
    rig.values()
    equal(rig.chip.registers[0x0B], 1)
