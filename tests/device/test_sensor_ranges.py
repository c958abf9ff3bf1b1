"""No driver gives what its chip cannot have measured: the ends of its range, and broken lines."""

import gc
import sys

from models import (
    bme280,
    bme680,
    bmp3xx,
    ds18b20,
    ds18x20,
    lsm6dso,
    machine,
    mpu6050,
    onewire,
    scd4x,
    sht3x,
)
from models.onewire import Wire
from models.sensirion import CommandChip
from models.spi import SPI
from plexus.sensors import driver_class
from plexus.sensors.adc import ADC
from plexus.sensors.ads1115 import ADS1115
from plexus.sensors.bme280 import BME280
from plexus.sensors.bme680 import BME680
from plexus.sensors.bmp3xx import BMP3XX
from plexus.sensors.driver import Driver, SensorError
from plexus.sensors.ds18b20 import DS18B20
from plexus.sensors.hx711 import HX711
from plexus.sensors.ina219 import INA219
from plexus.sensors.lsm6dso import LSM6DSO
from plexus.sensors.max17048 import MAX17048
from plexus.sensors.mpu6050 import MPU6050
from plexus.sensors.scd4x import SCD4x
from plexus.sensors.sht3x import SHT3x
from sensors import Rig, every_i2c_driver, i2c_rig
from support import equal, raises

TIMEOUT_S = 120
sys.modules["ds18x20"], sys.modules["onewire"] = ds18x20, onewire

# Drivers of other buses that have ranges.
OTHERS = (
    "adc",
    "dht",
    "ds18b20",
    "gps",
    "hx711",
    "max31855",
    "max6675",
    "mhz19",
    "pms5003",
    "system",
)
# Those that may give nothing, and say nothing: no target, not warm yet.
MAY_BE_SILENT = ("ens160", "vl53l0x")
# Those to which zeros or ones are values like others.
LIKE_OTHERS = (
    "apds9960",
    "bh1750",
    "hmc5883l",
    "lm75",
    "mcp9808",
    "qmc5883l",
    "tmp117",
    "tsl2591",
    "veml7700",
)


def made(name):
    driver = driver_class(name)
    if name == "system":
        return driver()
    pin = machine.Pin(4)
    if driver.BUS == "spi":
        return driver(SPI(), pin)
    if driver.BUS == "pins":
        return driver(pin, machine.Pin(16))
    return driver(pin)  # or a bus, which is not used


def every_driver():
    for name, driver, _ in every_i2c_driver():
        yield name, driver(None)
    for name in OTHERS:
        yield name, made(name)
        gc.collect()


def of_ranges(driver):
    """(metric, lowest, highest) of each."""
    ranges = driver.RANGES
    return [ranges[i : i + 3] for i in range(0, len(ranges), 3)]


def given(driver, *readings):
    """What the driver gives if that is what it has measured."""
    driver.measure = lambda: iter(readings)
    driver.ready = True
    return list(driver.sample())


def step(end):
    """Enough to be beyond it, on a board as well."""
    return max(abs(end), 1) / 1000


def test_what_is_within_both_ends_passes_and_what_is_not_is_left_out():
    known = 0
    for name, driver in every_driver():
        for metric, low, high in of_ranges(driver):
            assert isinstance(metric, str) and low < high, (name, metric)
            whole = ("whole", 1)
            for value in (low, high, low + step(low), high - step(high), {"x": low, "y": high}):
                equal(given(driver, (metric, value), whole), [(metric, value), whole])
                equal(driver.problem, None)
            for value in (
                low - step(low),
                high + step(high),
                float("nan"),
                float("inf"),
                None,
                {"x": low, "y": high + step(high)},
            ):
                equal(given(driver, (metric, value), whole), [whole])
                assert str(driver.problem).startswith(metric + ": "), (name, driver.problem)
                with raises(SensorError, metric + ": "):
                    given(driver, (metric, value))
            known += 1
    assert known > 80, known


def test_an_error_names_the_metric_the_value_and_the_range():
    driver = BME280(None)
    with raises(SensorError, "temperature: -140.88 is not from -40 to 85"):
        given(driver, ("temperature", -140.88))


def test_read_gives_the_others_and_the_fault():
    driver = BME280(None)
    given(driver, ("temperature", -140.88), ("humidity", 50.0))
    equal(driver.read(), [("humidity", 50.0)])
    assert str(driver.problem).startswith("temperature: "), driver.problem


def test_what_is_not_named_has_no_bound():
    class Own(Driver):
        METRICS = {"count": ""}

    equal(given(Own(), ("count", 1 << 40)), [("count", 1 << 40)])
    for value in (float("nan"), None, {1}):
        equal(given(Own(), ("a", value), ("count", 1)), [("count", 1)])


def broken(rig, byte, frames_only):
    """Each read of the bus gives this byte alone: a line that is stuck. Or only of 2 and more."""
    transfer = rig.bus._transfer

    def stuck(address, data, count):
        answer = transfer(address, data, count)
        if count < (2 if frames_only else 1):
            return answer
        return bytes((byte,)) * count

    rig.bus._transfer = stuck


def told(name, rig):
    """The readings of a sample; AssertionError if one is lost without a word, or out of range."""
    healthy = set(rig.driver.METRICS)
    try:
        readings = rig.sample()
    except OSError:
        return []
    ranges = {metric: (low, high) for metric, low, high in of_ranges(rig.driver)}
    for reading in readings:
        low, high = ranges[reading[0]]
        value = reading[1]
        for number in value.values() if isinstance(value, dict) else (value,):
            assert low <= number <= high, (name, reading)
    assert name in MAY_BE_SILENT or rig.driver.problem or readings, name
    assert {reading[0] for reading in readings} <= healthy, name
    return readings


def test_a_stuck_line_gives_nothing_out_of_range():
    found = set()
    for name, driver, model in every_i2c_driver():
        for byte in (0, 0xFF):
            for frames_only in (False, True):
                for warm in (False, True):
                    rig = i2c_rig(driver, model())
                    if warm:
                        for _ in range(3):
                            rig.sample()
                            rig.bus.clock.advance(driver.INTERVAL_MS)
                    broken(rig, byte, frames_only)
                    if told(name, rig):
                        found.add(name)
        gc.collect()
    # Nothing in these chips tells them from darkness, 0 °C or a little less, no field.
    equal(sorted(found), sorted(LIKE_OTHERS))


def test_words_of_zeros_or_ones_with_a_right_checksum_give_nothing_out_of_range():
    for name, driver, model in every_i2c_driver():
        if not issubclass(model, CommandChip):
            continue
        for word in (0, 0xFFFF):
            rig = i2c_rig(driver, model())
            rig.sample()
            execute = rig.chip.execute

            def of_words(command, words, execute=execute, word=word):
                answer = execute(command, words)
                return answer and (word,) * len(answer) if len(answer or ()) > 1 else answer

            rig.chip.execute = of_words
            rig.bus.clock.advance(driver.INTERVAL_MS)
            told(name, rig)
        gc.collect()


def test_bosch_chips_give_no_humidity_that_comes_of_an_impossible_temperature():
    for driver, model in (
        (BME280, bme280.Model),
        (BME680, bme680.Model),
        (BMP3XX, bmp3xx.Model),
    ):
        for byte in (0, 0xFF):
            rig = i2c_rig(driver, model())
            rig.sample()
            broken(rig, byte, True)
            with raises(
                SensorError, "nothing was measured" if byte or driver is not BME680 else ""
            ):
                rig.sample()


def test_motion_sensors_whose_data_are_all_equal_have_none():
    for driver, model in ((MPU6050, mpu6050.Model), (LSM6DSO, lsm6dso.Model)):
        for byte in (0, 0xFF):
            rig = i2c_rig(driver, model())
            rig.sample()
            rig.bus.clock.advance(1000)
            transfer = rig.bus._transfer

            def stuck(address, data, count, transfer=transfer, byte=byte):
                answer = transfer(address, data, count)
                return bytes((byte,)) * count if count == 14 else answer

            rig.bus._transfer = stuck
            with raises(SensorError, "it gives no data"):
                rig.sample()


def test_scd4x_without_co2_still_gives_the_others():
    rig = i2c_rig(SCD4x, scd4x.Model())
    rig.chip.co2 = 0
    equal([reading[0] for reading in rig.sample()], ["temperature", "humidity"])
    equal(str(rig.driver.problem), "co2: 0 is not from 1 to 40000")
    rig.chip.co2 = 415
    rig.bus.clock.advance(5000)
    equal(rig.values()["co2"], 415)
    equal(rig.driver.problem, None)


def test_sht3x_of_zeros_is_an_error_though_its_checksum_is_right():
    rig = i2c_rig(SHT3x, sht3x.Model())
    rig.chip.temperature = rig.chip.humidity = 0
    equal(rig.values(), {"humidity": 0.0})
    equal(str(rig.driver.problem), "temperature: -45.0 is not from -40 to 125")


def test_ds18b20_out_of_range_is_told_of_the_one_and_the_others_go():
    for family, raw in ((0x28, 0x07FF), (0x28, -0x0400), (0x10, 1200 * 16)):
        wire = Wire()
        good, bad = wire.attach(ds18b20.Model(0x1)), wire.attach(ds18b20.Model(0x2, family))
        rig = Rig(wire, good, DS18B20(wire))
        rig.sample()
        bad.raw = raw
        tags = {"rom": bad.rom.hex()}
        good_one, status = rig.sample()
        equal(good_one, ("temperature", 25.0625, {"rom": good.rom.hex()}))
        equal((status[0], status[2]), ("temperature.status", tags))
        assert status[1].endswith(" is not from -55 to 125"), status
        bad.raw = 0x0191
        rig.sample()
        equal(len(rig.sample()), 2)


def test_ranges_follow_the_options():
    equal(ADC(None, divider=2.0).RANGES, ("voltage", 0.0, 7.2))
    equal(ADC(None, scale=-1, offset=1, metric="level").RANGES[0], "level")
    low, high = ADC(None, scale=-1, offset=1).RANGES[1:]
    equal((round(low, 6), high), (-2.6, 1))
    equal(HX711(None, None, tare=1000, scale=-0.5).RANGES, ("weight", -4193803.5, 4194804.0))
    equal(ADS1115(None, channels=(0,), full_scale_mv=2048).RANGES, ("voltage_0", -2.048, 2.048))
    equal(INA219(None, shunt=0.01).RANGES[6:9], ("current", -32.0, 32.0))
    equal(MAX17048(None).RANGES[:3], ("voltage", 0, 5))
    equal(MAX17048(None, cells=2).RANGES[:3], ("voltage", 0, 10))
