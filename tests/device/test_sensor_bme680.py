"""The BME680 and BME688."""

from models import bme680, bmp280
from plexus.sensors.bme680 import BME680
from plexus.sensors.driver import SensorError
from sensors import close, i2c_rig
from support import equal, raises

# The tables of the BME680 datasheet, section 3.4.1 (integers).
GAS_1 = [2147483647] * 16
GAS_1[5], GAS_1[7], GAS_1[10] = 2126008810, 2130303777, 2143188679
GAS_1[11], GAS_1[13] = 2136746228, 2126008810
GAS_2 = [4096000000, 2048000000, 1024000000, 512000000, 255744255, 127110228, 64000000, 32258064]
GAS_2 += [16016016, 8000000, 4000000, 2000000, 1000000, 500000, 250000, 125000]


def reference(chip):
    """°C, hPa and % as Bosch's formulas in floating point give them, in double precision."""
    t1, t2, t3 = bme680.TEMPERATURE
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = bme680.PRESSURE
    h1, h2, h3, h4, h5, h6, h7 = chip.humidity
    a = (chip.raw_temperature / 16384 - t1 / 1024) * t2
    b = (chip.raw_temperature / 131072 - t1 / 8192) ** 2 * t3 * 16
    fine = a + b
    celsius = fine / 5120
    a = fine / 2 - 64000
    b = (a * a * p6 / 131072 + a * p5 * 2) / 4 + p4 * 65536
    a = (1 + (p3 * a * a / 16384 + p2 * a) / 524288 / 32768) * p1
    p = (1048576 - chip.raw_pressure - b / 4096) * 6250 / a
    p += (p9 * p * p / 2147483648 + p * p8 / 32768 + (p / 256) ** 3 * p10 / 131072 + p7 * 128) / 16
    a = chip.raw_humidity - (h1 * 16 + h3 / 2 * celsius)
    h = a * h2 / 262144 * (1 + h4 / 16384 * celsius + h5 / 1048576 * celsius * celsius)
    h += (h6 / 16384 + h7 / 2097152 * celsius) * h * h
    return celsius, p / 100, min(max(h, 0), 100)


def test_bme680_equals_boschs_formulas_over_the_whole_range():
    rig = i2c_rig(BME680, bme680.Model())
    rig.driver.RANGES = ()  # the formula alone
    for raw_temperature in (292000, 345678, 434343, 498000, 612345, 689000):
        for raw_pressure in (150000, 262144, 350000, 456789, 640000):
            for raw_humidity in (13000, 18765, 23456, 28000):
                rig.chip.raw_temperature = raw_temperature
                rig.chip.raw_pressure = raw_pressure
                rig.chip.raw_humidity = raw_humidity
                celsius, hpa, percent = reference(rig.chip)
                values = rig.values()
                close(values["temperature"], celsius, 0.0055)
                close(values["pressure"], hpa, 0.0011)
                close(values["humidity"], percent, 0.006)


def test_bme680_with_other_calibration_of_humidity_equals_boschs_formula():
    # H1 and H2 share a register; H3 is 0 in most chips.
    rig = i2c_rig(BME680, bme680.Model(humidity=(789, 1003, 4, 45, 20, 120, -100)))
    for raw_temperature in (292000, 498000, 689000):
        rig.chip.raw_temperature = raw_temperature
        close(rig.values()["humidity"], reference(rig.chip)[2], 0.006)


def test_bme680_gas_resistance_equals_the_datasheets_integer_formula():
    for error in (-8, -3, 0, 5, 7):
        chip = bme680.Model()
        chip.gas_error = error
        chip.trim()
        rig = i2c_rig(BME680, chip)
        for scale in range(16):
            for raw in (0, 1, 511, 777, 1023):
                chip.raw_gas, chip.gas_range = raw, scale
                a = (1340 + 5 * error) * GAS_1[scale] >> 16
                b = (raw << 15) - 16777216 + a
                ohms = ((GAS_2[scale] * a >> 9) + (b >> 1)) // b
                equal(rig.values()["gas_resistance"], ohms)


def test_bme688_gas_resistance_equals_boschs_formula():
    rig = i2c_rig(BME680, bme680.Model(variant=1))
    for scale in range(16):
        for raw in (0, 511, 777, 1023):
            rig.chip.raw_gas, rig.chip.gas_range = raw, scale
            ohms = 1000000 * (262144 >> scale) / (4096 + 3 * (raw - 512))
            close(rig.values()["gas_resistance"], ohms, 1)


def test_bme680_waits_long_enough_at_every_setting():
    for oversampling in (1, 2, 4, 8, 16):
        for heater_ms in (1, 30, 150, 4032):
            rig = i2c_rig(BME680, bme680.Model(), oversampling=oversampling, heater_ms=heater_ms)
            values = rig.values()
            equal("gas_resistance" in values, heater_ms >= 30)
            equal(len(values), 3 + (heater_ms >= 30))


def test_bme680_waits_for_a_chip_that_is_a_fifth_slower_than_typical():
    for oversampling in (1, 16):
        for heater in (None, 320):
            chip = bme680.Model()
            chip.slowness = 1.2
            rig = i2c_rig(BME680, chip, oversampling=oversampling, heater_temperature=heater)
            equal(len(rig.values()), 4 if heater else 3)


def test_bme680_heats_for_as_long_as_it_is_told():
    for heater_ms in (1, 63, 64, 100, 150, 252, 253, 1000, 4032):
        rig = i2c_rig(BME680, bme680.Model(), heater_ms=heater_ms)
        rig.sample()
        close(rig.chip.heating_ms(), heater_ms, heater_ms / 16)


def test_bme680_sets_the_heater_as_boschs_formula_does():
    g1, g2, g3 = bme680.HEATER
    chip = bme680.Model()
    chip.heater_range, chip.heater_value = 2, -20
    chip.trim()
    for raw_temperature in (298000, 498000, 680000):
        chip.raw_temperature = raw_temperature
        for celsius in (200, 320, 400):
            rig = i2c_rig(BME680, chip, heater_temperature=celsius)
            rig.sample()  # it knows the ambient temperature after the first
            rig.sample()
            ambient = int(reference(chip)[0])
            a = (g1 / 16 + 49) * (1 + (g2 / 32768 * 0.0005 + 0.00235) * celsius)
            a = (a + g3 / 1024 * ambient) * (4 / (4 + 2)) / (1 - 20 * 0.002)
            close(chip.registers[0x5A], int(3.4 * (a - 25)), 1)


def test_bme680_whose_heater_is_not_hot_gives_no_gas_resistance():
    for variant in (0, 1):
        rig = i2c_rig(BME680, bme680.Model(variant))
        rig.chip.heater_works = False
        equal(sorted(rig.values()), ["humidity", "pressure", "temperature"])


def test_bme680_without_a_heater_temperature_does_not_heat():
    rig = i2c_rig(BME680, bme680.Model(), heater_temperature=None)
    equal(sorted(rig.values()), ["humidity", "pressure", "temperature"])
    equal(rig.chip.heating_ms(), 0)
    equal(rig.chip.registers[0x70], 0x08)
    assert rig.bus.clock.now_ms < 40


def test_bme680_yields_the_metrics_that_it_declares():
    equal(sorted(i2c_rig(BME680, bme680.Model()).values()), sorted(BME680.METRICS))


def test_bme680_and_bme688_are_told_apart_and_from_others():
    equal(i2c_rig(BME680, bme680.Model()).driver.chip(), "BME680")
    equal(i2c_rig(BME680, bme680.Model(variant=1)).driver.chip(), "BME688")
    equal(i2c_rig(BME680, bmp280.Model()).driver.chip(), None)


def test_bme680_humidity_stays_between_0_and_100():
    rig = i2c_rig(BME680, bme680.Model())
    for raw, humidity in ((9000, 0), (40000, 100)):
        rig.chip.raw_humidity = raw
        equal(rig.values()["humidity"], humidity)


def test_bme680_that_lost_its_power_measures_all_the_same():
    rig = i2c_rig(BME680, bme680.Model())
    before = rig.values()
    rig.chip.power_on()
    equal(rig.values(), before)


def test_bme680_that_does_not_end_is_an_error():
    rig = i2c_rig(BME680, bme680.Model())
    rig.chip.pass_time = lambda: None
    with raises(SensorError, "0x77", "does not end"):
        rig.sample()


def test_bme680_value_that_looks_like_one_not_measured_is_taken():
    # It is a value like others: of some 30 °C, say.
    for name, raw in (("temperature", 0x80000), ("pressure", 0x80000), ("humidity", 0x8000)):
        rig = i2c_rig(BME680, bme680.Model())
        setattr(rig.chip, "raw_" + name, raw)
        index = ("temperature", "pressure", "humidity").index(name)
        close(rig.values()[name], reference(rig.chip)[index], 0.006)


def test_bme680_that_is_reset_while_it_measures_is_an_error():
    rig = i2c_rig(BME680, bme680.Model())
    with raises(SensorError, "does not end"):
        for item in rig.driver.sample():
            rig.bus.clock.advance(item)
            rig.chip.power_on()


def test_bme680_is_sent_to_sleep_by_its_setup():
    rig = i2c_rig(BME680, bme680.Model())
    rig.chip.registers[0x74] = 0x02  # a BME688's parallel mode
    for _ in rig.driver.setup():
        equal(rig.chip.registers[0x74], 0)


def test_bme680_without_calibration_is_an_error():
    chip = bme680.Model()
    chip.put(0x8A, bytes(23))
    with raises(SensorError, "no calibration"):
        i2c_rig(BME680, chip).sample()


def test_bme680_that_heats_nothing_has_no_metric_of_the_gas():
    equal(
        sorted(BME680(None, heater_temperature=None).METRICS),
        ["humidity", "pressure", "temperature"],
    )


def test_bme680_waits_whole_ms_whatever_kind_of_number_its_oversampling_is():
    i2c_rig(BME680, bme680.Model(), oversampling=2.0).values()


def test_bme680_refuses_options_that_the_chip_has_not():
    for options, words in (
        ({"oversampling": 3}, "oversampling: 3; give 1, 2, 4, 8 or 16"),
        (
            {"heater_temperature": 401},
            "heater_temperature: 401; give a whole number from 200 to 400",
        ),
        ({"heater_temperature": 320.5}, "heater_temperature: 320.5; give a whole number"),
        ({"heater_ms": 0}, "heater_ms: 0; give a whole number from 1 to 4032"),
        ({"heater_ms": 5000}, "heater_ms: 5000"),
        ({"heater_ms": None}, "heater_ms: None"),
        ({"oversampling": True}, "oversampling: True"),
    ):
        with raises(ValueError, words):
            BME680(None, **options)
