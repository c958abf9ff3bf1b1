"""The Bosch pressure sensors: BMP280 and BME280."""

from models import bme280, bmp280
from plexus.sensors.bme280 import BME280
from plexus.sensors.bmp280 import BMP280
from plexus.sensors.driver import SensorError
from sensors import close, i2c_rig
from support import equal, raises


def test_bmp280_gives_the_datasheets_worked_example():
    values = i2c_rig(BMP280, bmp280.Model()).values()
    equal(values["temperature"], 25.08)
    close(values["pressure"], 1006.5327, 0.0005)


def test_bme280_gives_temperature_and_pressure_as_the_bmp280_does():
    bme, bmp = i2c_rig(BME280, bme280.Model()).values(), i2c_rig(BMP280, bmp280.Model()).values()
    equal({name: bme[name] for name in bmp}, bmp)


def test_bme280_waits_long_enough_for_each_oversampling():
    for oversampling in (1, 2, 4, 8, 16):
        rig = i2c_rig(BME280, bme280.Model(), oversampling=oversampling)
        equal(sorted(rig.values()), ["humidity", "pressure", "temperature"])


def test_bme280_measures_anew_at_each_read():
    rig = i2c_rig(BME280, bme280.Model())
    before = rig.values()
    rig.chip.raw_temperature += 3200
    rig.chip.raw_humidity += 500
    after = rig.values()
    assert after["temperature"] > before["temperature"] + 0.9
    assert after["humidity"] > before["humidity"]


def test_bme280_humidity_stays_between_0_and_100():
    rig = i2c_rig(BME280, bme280.Model())
    for raw, humidity in ((1000, 0), (65535, 100)):
        rig.chip.raw_humidity = raw
        equal(rig.values()["humidity"], humidity)


def test_bmp280_refuses_an_oversampling_that_the_chip_has_not():
    with raises(ValueError, "oversampling: 3", "1, 2, 4, 8 or 16"):
        BMP280(None, oversampling=3)


def test_bmp280_without_calibration_is_an_error():
    chip = bmp280.Model()
    chip.put(0x88, bytes(24))
    with raises(SensorError, "0x76", "no calibration"):
        i2c_rig(BMP280, chip).sample()


def test_the_value_that_a_reset_leaves_is_a_temperature_like_others():
    rig = i2c_rig(BME280, bme280.Model())
    rig.chip.raw_temperature, rig.chip.raw_humidity = 0x80000, 0x8000
    close(rig.values()["temperature"], 26.45, 0.1)
    rig.chip.raw_temperature, rig.chip.raw_pressure = 519888, 0x80000
    close(rig.values()["pressure"], 819, 5)


def test_a_chip_that_was_reset_in_the_middle_has_measured_nothing():
    rig = i2c_rig(BMP280, bmp280.Model())
    rig.values()

    def sample():
        for _ in rig.driver.sample():
            rig.chip.write(b"\xe0\xb6")  # another's doing
            rig.chip.done_ms = None

    with raises(SensorError, "nothing was measured"):
        sample()


def test_a_chip_that_another_program_left_measuring_is_set_up():
    rig = i2c_rig(BMP280, bmp280.Model())
    rig.bus.writeto_mem(0x76, 0xF5, b"\xff")
    rig.bus.writeto_mem(0x76, 0xF4, b"\xff")
    rig.values()
    equal(rig.chip.registers[0xF5], 0)
