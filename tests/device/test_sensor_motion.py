"""The motion sensors: MPU6050, LSM6DSO, ADXL345, LIS3DH and BNO055."""

from models import adxl345, bno055, lis3dh, lsm6dso, mpu6050
from models.bus import I2C
from models.chip import RegisterChip
from plexus.sensors.adxl345 import ADXL345
from plexus.sensors.bno055 import BNO055
from plexus.sensors.driver import SensorError
from plexus.sensors.lis3dh import LIS3DH
from plexus.sensors.lsm6dso import LSM6DSO
from plexus.sensors.mpu6050 import MPU6050
from sensors import close, i2c_rig
from support import equal, raises

G = 9.80665
DEGREE = 0.017453293
ALL = tuple(BNO055.METRICS)

# Driver, model, name, and the model's values of one g.
ACCELEROMETERS = (
    (MPU6050, mpu6050, "MPU6050", 16384),
    (LSM6DSO, lsm6dso, "LSM6DSO", 16393),
    (ADXL345, adxl345, "ADXL345", 256),
    (LIS3DH, lis3dh, "LIS3DH", 1000),
)


def test_each_accelerometer_gives_gravity_in_its_axis_with_its_sign():
    for driver, module, _, one_g in ACCELEROMETERS:
        rig = i2c_rig(driver, module.Model())
        rig.chip.acceleration = [one_g, 0, -one_g]
        close(rig.values()["acceleration"], {"x": G, "y": 0, "z": -G}, 0.01)


def test_each_motion_sensor_is_named_by_its_id_and_another_is_none():
    for driver, module, name in [each[:3] for each in ACCELEROMETERS] + [
        (BNO055, bno055, "BNO055")
    ]:
        bus = I2C()
        for address in driver.ADDRESSES:
            chip = bus.attach(module.Model(), address)
            equal(driver.identify(bus, address), name)
            chip.wrong_id()
            equal(driver.identify(bus, address), None)
            with raises(SensorError, "0x%02x: a different chip, not %s" % (address, name)):
                list(driver(bus, address).sample())


def test_naming_a_chip_writes_nothing_to_it():
    for driver, module in [each[:2] for each in ACCELEROMETERS] + [(BNO055, bno055)]:
        bus = I2C()
        bus.attach(module.Model(), driver.ADDRESSES[0])
        driver.identify(bus, driver.ADDRESSES[0])
        for _, data, count in bus.log:
            assert count and len(data) == 1


def test_each_accelerometer_goes_on_after_a_loss_of_power():
    for driver, module, _, _ in ACCELEROMETERS:
        rig = i2c_rig(driver, module.Model())
        before = rig.values()
        fresh = rig.bus.attach(module.Model(), rig.driver.address)
        rig.bus.clock.advance(1000)
        rig.chip = fresh
        equal(rig.values(), before)


def test_an_accelerometer_that_runs_is_not_written_to():
    for driver, module, _, _ in ACCELEROMETERS:
        rig = i2c_rig(driver, module.Model())
        rig.values()
        rig.bus.clock.advance(1000)
        del rig.bus.log[:]
        before_ms = rig.bus.clock.now_ms
        rig.values()
        equal(rig.bus.clock.now_ms, before_ms)
        for _, data, _ in rig.bus.log:
            equal(len(data), 1)


def test_each_accelerometer_gives_what_is_new_however_fast_it_is_read():
    for driver, module, _, one_g in ACCELEROMETERS:
        rig = i2c_rig(driver, module.Model())
        for z in (one_g, 0, -one_g):
            rig.chip.acceleration = [0, 0, z]
            rig.bus.clock.advance(1 if driver is MPU6050 else 0)
            close(rig.values()["acceleration"]["z"], G * z / one_g, 0.01)


def test_an_accelerometer_without_new_data_is_an_error():
    for driver, module, _, _ in ACCELEROMETERS[1:]:
        rig = i2c_rig(driver, module.Model())
        rig.values()
        rig.chip.period_ms = lambda: 0
        with raises(SensorError, "no new data"):
            rig.values()


def test_a_chip_that_keeps_no_settings_is_an_error():
    for driver, module, _, _ in ACCELEROMETERS:
        rig = i2c_rig(driver, module.Model())
        rig.chip.WRITABLE = ()
        with raises(SensorError, "does not keep its settings"):
            rig.values()


def test_acceleration_is_the_same_in_every_range_and_beyond_it_an_error():
    for driver, module, name, one_g in ACCELEROMETERS:
        if name == "ADXL345":
            continue
        for accel_range in (2, 4, 8, 16):
            rig = i2c_rig(driver, module.Model(), accel_range=accel_range)
            rig.chip.acceleration = [-one_g, one_g * 3 // 2, one_g // 2]
            close(
                rig.values()["acceleration"],
                {"x": -G, "y": 1.5 * G, "z": 0.5 * G},
                G * 0.001 * accel_range + 0.01,
            )
            rig.chip.acceleration = [0, 0, one_g * accel_range * 8 // 10]
            rig.bus.clock.advance(100)
            close(rig.values()["acceleration"]["z"], G * accel_range * 0.8, 0.1)
            for sign in (-1, 1):
                rig.chip.acceleration = [0, sign * one_g * accel_range * 25 // 16, 0]
                rig.bus.clock.advance(100)
                with raises(SensorError, "beyond accel_range"):
                    rig.values()


def test_adxl345_gives_up_to_16_g_and_beyond_is_an_error():
    rig = i2c_rig(ADXL345, adxl345.Model())
    rig.chip.acceleration = [-4095, 4094, 1]
    equal(rig.values()["acceleration"], {"x": -156.87, "y": 156.83, "z": 0.04})
    for end in (-4096, 4095):
        rig.chip.acceleration = [0, end, 0]
        rig.bus.clock.advance(100)
        with raises(SensorError, "0x53: beyond 16 g"):
            rig.values()


def test_angular_velocity_is_the_same_in_every_range_and_beyond_it_an_error():
    for driver, module, per_degree, ranges in (
        (MPU6050, mpu6050, 131, (250, 500, 1000, 2000)),
        (LSM6DSO, lsm6dso, 1 / 0.004375, (125, 250, 500, 1000, 2000)),
    ):
        for gyro_range in ranges:
            rig = i2c_rig(driver, module.Model(), gyro_range=gyro_range)
            rig.chip.rotation = [int(90 * per_degree), int(-45 * per_degree), 0]
            close(
                rig.values()["angular_velocity"],
                {"x": 90 * DEGREE, "y": -45 * DEGREE, "z": 0},
                0.0012,
            )
            rig.chip.rotation = [0, 0, int(-gyro_range * per_degree * 1.3)]
            rig.bus.clock.advance(100)
            with raises(SensorError, "beyond gyro_range"):
                rig.values()


def test_an_option_that_a_motion_sensor_has_not_names_itself_and_the_choices():
    for driver in (MPU6050, LSM6DSO, LIS3DH):
        with raises(ValueError, "accel_range: 3; give 2, 4, 8 or 16"):
            driver(None, accel_range=3)
    with raises(ValueError, "gyro_range: 125; give 250, 500, 1000 or 2000"):
        MPU6050(None, gyro_range=125)
    with raises(ValueError, "gyro_range: 100; give 125, 250, 500, 1000 or 2000"):
        LSM6DSO(None, gyro_range=100)
    with raises(ValueError, "low_pass: 1; give 180, 90, 40, 20, 10 or 5"):
        MPU6050(None, low_pass=1)


def test_mpu6050_temperature_by_each_chips_formula():
    # 35 °C is -521 (MPU-6000/6050 datasheet, table of the temperature sensor); the others' slopes.
    for who_am_i, name, raw, temperature in (
        (0x68, "MPU6050", -521, 35.0),
        (0x70, "MPU6500", 0, 21),
        (0x71, "MPU9250", 3339, 31.0),
        (0x73, "MPU9255", -3339, 11.0),
        (0x19, "MPU6886", 0, 25),
        (0x98, "ICM20689", -3268, 15),
    ):
        rig = i2c_rig(MPU6050, mpu6050.Model(who_am_i))
        rig.chip.temperature = raw
        close(rig.values()["temperature"], temperature, 0.005)
        equal(rig.driver.chip(), name)


def test_mpu6050_reads_a_clone_of_an_unknown_id_as_its_own_if_told_to():
    for who_am_i in (0x72, 0x75, 0x00):
        with raises(SensorError, "0x68: a different chip, not MPU6050; a clone needs any_id"):
            i2c_rig(MPU6050, mpu6050.Model(who_am_i)).sample()
        values = i2c_rig(MPU6050, mpu6050.Model(who_am_i), any_id=True).values()
        equal(values["acceleration"], {"x": 0, "y": 0, "z": 9.807})
        close(values["temperature"], 35.0, 0.005)


def test_mpu6050_low_pass_goes_to_both_sensors():
    for low_pass, bits in ((180, 1), (90, 2), (40, 3), (20, 4), (10, 5), (5, 6)):
        for who_am_i, accel_bits in ((0x68, 0), (0x19, bits)):
            rig = i2c_rig(MPU6050, mpu6050.Model(who_am_i), low_pass=low_pass)
            rig.values()
            equal(rig.chip.registers[0x1A], bits)
            equal(rig.chip.registers[0x1D], accel_bits)


def test_mpu6050_waits_longer_for_a_slower_low_pass():
    waits = []
    for low_pass in (180, 5):
        rig = i2c_rig(MPU6050, mpu6050.Model(), low_pass=low_pass)
        rig.values()
        waits.append(rig.bus.clock.now_ms)
    assert waits[1] - waits[0] > 150


def test_mpu6050_without_data_is_an_error():
    rig = i2c_rig(MPU6050, mpu6050.Model())
    rig.chip.START_MS = 1000
    with raises(SensorError, "no data"):
        rig.values()


class ClockChip(RegisterChip):
    """A clock at the same address, in the state in which it shows an MPU's id there.

    alias: which register it gives for one that it has not.
    """

    def __init__(self, time, alias):
        super().__init__()
        self.time = time
        self.alias = alias

    def reads(self, register):
        return self.time[register if register < len(self.time) else self.alias]


def test_mpu6050_is_not_mistaken_for_a_clock_chip():
    time = [0x00, 0x19, 0x68, 0x04, 0x19, 0x11, 0x25] + [0] * 12
    for alias in (1, 2, 4):
        bus = I2C()
        bus.attach(ClockChip(time, alias), 0x68)
        equal(MPU6050.identify(bus, 0x68), None)


def test_lsm6dso_temperature_by_each_chips_slope():
    for who_am_i, name, raw, temperature in (
        (0x6C, "LSM6DSO", -256, 24),
        (0x6B, "ISM330DHCX", 2560, 35),
        (0x6A, "LSM6DS3TR-C", -16640, -40),
        (0x69, "LSM6DS3", -160, 15),
    ):
        rig = i2c_rig(LSM6DSO, lsm6dso.Model(who_am_i))
        rig.chip.temperature = raw
        equal(rig.values()["temperature"], temperature)
        equal(rig.driver.chip(), name)


def test_lis3dh_gives_a_mg_a_bit():
    # LIS3DH datasheet, mechanical characteristics: 1 mg/digit in high resolution at 2 g.
    rig = i2c_rig(LIS3DH, lis3dh.Model(), accel_range=2)
    rig.chip.acceleration = [350, -1, 2046]
    equal(rig.values()["acceleration"], {"x": 3.432, "y": -0.01, "z": 20.064})


def test_bno055_gives_all_its_values():
    values = i2c_rig(BNO055, bno055.Model(), values=ALL).values()
    equal(sorted(values), sorted(ALL))
    equal(values["orientation"], {"heading": 90, "roll": -10, "pitch": 5})
    equal(values["quaternion"], {"w": 0.70709, "x": 0, "y": 0, "z": -0.70709})
    equal(
        values["calibration"],
        {"system": 3, "gyroscope": 2, "accelerometer": 1, "magnetometer": 0},
    )
    equal(values["temperature"], 25)
    equal(values["acceleration"], {"x": 0, "y": 0.2, "z": 9.81})
    equal(values["linear_acceleration"], {"x": 0, "y": 0.2, "z": 0})
    equal(values["gravity"], {"x": 0, "y": 0, "z": 9.81})
    close(values["angular_velocity"], {"x": DEGREE, "y": -2 * DEGREE, "z": 0}, 0.0001)
    equal(values["magnetic_field"], {"x": 20, "y": -10, "z": 50})


def test_bno055_gives_what_was_asked_for_alone():
    rig = i2c_rig(BNO055, bno055.Model(), values=["gravity", "temperature"])
    equal([reading[0] for reading in rig.sample()], ["gravity", "temperature"])


def test_bno055_has_the_metrics_of_its_values():
    equal(BNO055(None, values=["gravity"]).METRICS, {"gravity": "m/s²"})


def test_bno055_refuses_a_value_that_it_has_not():
    for values in ([], "temperature", None):
        with raises(ValueError, "values: %r; give a list" % (values,), "temperature"):
            BNO055(None, values=values)
    with raises(ValueError, "values: ['gravity', 'gravity']; give each once"):
        BNO055(None, values=["gravity", "gravity"])
    with raises(ValueError, "values: 'speed'; give 'acceleration', ", "or 'temperature'"):
        BNO055(None, values=("orientation", "speed"))


def test_bno055_temperature_below_0():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.chip.temperature = -40
    equal(rig.values()["temperature"], -40)


def test_bno055_that_runs_keeps_its_mode_and_with_it_its_calibration():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.values()
    again = BNO055(rig.bus)  # the board was reset, the chip was not
    del rig.bus.log[:]
    equal([item for item in again.sample() if isinstance(item, int)], [])
    for _, data, _ in rig.bus.log:
        equal(len(data), 1)


def test_bno055_while_it_starts_is_an_error_and_then_works():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.chip.power_on()
    with raises(SensorError, "0x28: no answer"):
        rig.values()
    rig.bus.clock.advance(650)
    equal(rig.values()["temperature"], 25)


def test_bno055_goes_on_after_a_loss_of_power():
    rig = i2c_rig(BNO055, bno055.Model())
    before = rig.values()
    rig.chip.power_on()
    rig.bus.clock.advance(650)
    equal(rig.values(), before)


def test_bno055_system_error_is_told_and_ended_by_a_reset():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.values()
    rig.chip.system_error = 9
    with raises(SensorError, "system error 9"):
        rig.values()
    equal(rig.values()["temperature"], 25)
    equal(rig.chip.system_error, 0)


def test_bno055_with_a_failed_self_test_is_an_error():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.chip.put(0x36, (0x0D,))
    with raises(SensorError, "self-test failed"):
        rig.values()


def test_bno055_without_a_result_of_its_fusion_is_an_error():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.chip.quaternion = [0, 0, 0, 0]
    with raises(SensorError, "no orientation"):
        rig.values()


def test_bno055_orientation_that_cannot_be_is_an_error():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.chip.quaternion = [16384, -1, 16384, 0]
    with raises(SensorError, "a wrong one"):
        rig.values()


def test_bno055_whose_fusion_does_not_run_is_an_error():
    rig = i2c_rig(BNO055, bno055.Model())
    rig.values()
    advance = rig.chip.advance

    def stopped():
        advance()
        rig.chip.put(0x39, (4,))

    rig.chip.advance = stopped
    with raises(SensorError, "fusion does not run (state 4)"):
        rig.values()
