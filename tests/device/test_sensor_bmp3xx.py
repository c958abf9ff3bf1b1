"""The BMP388 and BMP390."""

from models import bme280, bme680, bmp3xx, bmp280
from plexus.sensors.bmp3xx import BMP3XX
from plexus.sensors.driver import SensorError
from sensors import close, i2c_rig
from support import equal, raises


def quotient(a, b):
    """a / b as in C: towards 0."""
    return a // b if a >= 0 else -(-a // b)


def reference(chip):
    """°C / 100 and Pa / 100 as the integers of Bosch's BMP3 sensor API give them."""
    t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = chip.trim
    raw = chip.raw_pressure
    d = chip.raw_temperature - 256 * t1
    t = quotient(t2 * d * 262144 + d * d * t3, 4294967296)
    square = t * t
    cube = quotient(quotient(square, 64) * t, 256)
    offset = p5 * 140737488355328 + quotient(p8 * cube, 32) + p7 * square * 16 + p6 * t * 4194304
    slope = (p1 - 16384) * 70368744177664 + quotient(p4 * cube, 32)
    slope += p3 * square * 4 + (p2 - 16384) * t * 2097152
    p = quotient(offset, 4) + quotient(slope, 16777216) * raw
    p += quotient(raw * quotient(quotient((p10 * t + 65536 * p9) * raw, 8192), 10), 512) * 10
    p += quotient(quotient(p11 * raw * raw, 65536) * raw, 128)
    return quotient(t * 25, 16384), quotient(p * 25, 1099511627776)


def test_bmp3xx_equals_the_integers_of_boschs_api_over_the_whole_range():
    for trim in (bmp3xx.TRIM, (27000, 18000, -7, 50, 300, -30, 5, 26000, 29000, 9, 8, -900, 9, 70)):
        chip = bmp3xx.Model()
        chip.trim = trim
        chip.power_on()
        rig = i2c_rig(BMP3XX, chip)
        rig.driver.RANGES = ()  # the formula alone
        for chip.raw_temperature in (4760000, 6543210, 7058944, 8495681, 11900000):
            for chip.raw_pressure in (6100000, 7654321, 9000000, 11000000):
                temperature, pressure = reference(chip)
                values = rig.values()
                # Theirs cuts digits off, ours rounds.
                close(values["temperature"], temperature / 100, 0.0101)
                close(values["pressure"], pressure / 10000, 0.00011)


def test_bmp3xx_waits_long_enough_for_each_oversampling():
    for oversampling in (1, 2, 4, 8, 16, 32):
        rig = i2c_rig(BMP3XX, bmp3xx.Model(), oversampling=oversampling)
        equal(sorted(rig.values()), ["pressure", "temperature"])
        bits = (1, 2, 4, 8, 16, 32).index(oversampling)
        equal(rig.chip.registers[0x1C], bits << 3 | bits)


def test_bmp3xx_measures_anew_at_each_read():
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    before = rig.values()
    rig.chip.raw_temperature += 100000
    rig.chip.raw_pressure -= 100000
    after = rig.values()
    assert after["temperature"] > before["temperature"] + 1
    assert after["pressure"] > before["pressure"] + 10


def test_bmp388_and_bmp390_are_told_apart_and_from_others():
    equal(i2c_rig(BMP3XX, bmp3xx.Model(0x50)).driver.chip(), "BMP388")
    equal(i2c_rig(BMP3XX, bmp3xx.Model(0x60)).driver.chip(), "BMP390")
    for other in (bmp280.Model(), bme280.Model()):
        equal(i2c_rig(BMP3XX, other).driver.chip(), None)


def test_bme680_whose_calibration_looks_like_a_bmp390s_id_is_none():
    chip = bme680.Model()
    chip.heater_value = 0x60
    chip.trim()
    equal(i2c_rig(BMP3XX, chip).driver.chip(), None)


def test_bmp3xx_that_lost_its_power_measures_all_the_same():
    rig = i2c_rig(BMP3XX, bmp3xx.Model(), oversampling=32)
    before = rig.values()
    rig.chip.power_on()
    equal(rig.values(), before)


def test_bmp3xx_that_does_not_end_is_an_error():
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    rig.chip.pass_time = lambda: None
    with raises(SensorError, "0x77", "does not end"):
        rig.sample()


def test_bmp3xx_value_that_looks_like_one_not_measured_is_taken():
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    rig.chip.raw_temperature = rig.chip.raw_pressure = 0x800000
    temperature, pressure = reference(rig.chip)
    values = rig.values()
    close(values["temperature"], temperature / 100, 0.0101)
    close(values["pressure"], pressure / 10000, 0.00011)


def test_bmp3xx_that_is_reset_while_it_measures_is_an_error():
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    with raises(SensorError, "does not end"):
        for item in rig.driver.sample():
            rig.bus.clock.advance(item)
            rig.chip.power_on()


def test_bmp3xx_that_runs_by_itself_is_sent_to_sleep_first():
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    rig.chip.registers[0x1B] = 0x33
    for _ in rig.driver.setup():
        equal(rig.chip.registers[0x1B], 0)


def test_bmp3xx_without_calibration_is_an_error():
    chip = bmp3xx.Model()
    chip.put(0x31, bytes(21))
    with raises(SensorError, "no calibration"):
        i2c_rig(BMP3XX, chip).sample()


def test_bmp3xx_refuses_an_oversampling_that_the_chip_has_not():
    with raises(ValueError, "oversampling: 3", "1, 2, 4, 8, 16 or 32"):
        BMP3XX(None, oversampling=3)
