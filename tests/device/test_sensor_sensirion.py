"""Sensirion's temperature, humidity and CO2 sensors: SHT3x, SHT4x, SCD4x and SCD30."""

from models import scd4x, scd30, sensirion, sht3x, sht4x
from models.bus import I2C
from plexus.sensors.crc import crc8
from plexus.sensors.driver import SensorError
from plexus.sensors.scd4x import SCD4x
from plexus.sensors.scd30 import SCD30
from plexus.sensors.sensirion import celsius, percent
from plexus.sensors.sht3x import SHT3x
from plexus.sensors.sht4x import SHT4x
from sensors import close, i2c_rig
from support import equal, raises

FAMILY = (
    (SHT3x, sht3x.Model, "SHT3x"),
    (SHT4x, sht4x.Model, "SHT4x"),
    (SCD4x, scd4x.Model, "SCD41"),
    (SCD30, scd30.Model, "SCD30"),
)


def hundredths(numerator, offset):
    """The word that rounds as the datasheet's formula in fractions does, in hundredths."""
    return (2 * numerator + 65535) // (2 * 65535) - offset


def identified_in_time(driver_class, chip, id_ms):
    """What identify() says of a chip that takes so long to answer."""
    module = __import__(driver_class.__module__, None, None, ("sleep_ms",))
    parent = __import__("plexus.sensors.sensirion", None, None, ("sleep_ms",))
    bus = I2C()
    chip.id_ms = id_ms
    bus.attach(chip, driver_class.ADDRESSES[0])
    sleeps = [
        (holder, holder.sleep_ms) for holder in (module, parent) if hasattr(holder, "sleep_ms")
    ]
    try:
        for holder, _ in sleeps:
            holder.sleep_ms = bus.clock.advance
        return driver_class.identify(bus, driver_class.ADDRESSES[0])
    finally:
        for holder, sleep_ms in sleeps:
            holder.sleep_ms = sleep_ms


def test_checksum_is_that_of_the_datasheets():
    # SHT3x-DIS datasheet, section 4.12; SGP40 datasheet, table 10; and a second implementation.
    for word, checksum in (
        (0xBEEF, 0x92),
        (0x8000, 0xA2),
        (0x6666, 0x93),
        (0, 0x81),
        (65535, 0xAC),
    ):
        data = bytes((word >> 8, word & 255))
        equal((crc8(data), sensirion.checksum(data)), (checksum, checksum))


def test_conversion_equals_the_datasheets_formula_at_every_step():
    for raw in range(0, 65536, 13):
        equal(round(celsius(raw) * 100), hundredths(17500 * raw, 4500))
        equal(round(percent(raw) * 100), hundredths(10000 * raw, 0))


def test_conversion_covers_the_whole_range():
    equal((celsius(0), celsius(65535)), (-45.0, 130.0))
    equal((percent(0), percent(65535)), (0.0, 100.0))
    equal(celsius(16852), 0.0)


def test_each_chip_is_identified():
    for driver_class, model, name in FAMILY:
        bus = I2C()
        address = driver_class.ADDRESSES[0]
        bus.attach(model(), address)
        equal(driver_class.identify(bus, address), name)


def test_another_chip_is_not_identified():
    for driver_class, model, _ in FAMILY:
        bus = I2C()
        address = driver_class.ADDRESSES[0]
        chip = bus.attach(model(), address)
        chip.wrong_id()
        equal(driver_class.identify(bus, address), None)


def test_absence_is_not_identified():
    for driver_class, _, _ in FAMILY:
        equal(driver_class.identify(I2C(), driver_class.ADDRESSES[0]), None)


def test_none_is_taken_for_another():
    for driver_class, _, _ in FAMILY:
        for other, model, _ in FAMILY:
            if driver_class is not other:
                bus = I2C()
                bus.attach(model(), 0x44)
                equal(driver_class.identify(bus, 0x44), None)


def test_identification_waits_for_the_slowest_chip():
    equal(identified_in_time(SHT4x, sht4x.Model(), 10), "SHT4x")
    equal(identified_in_time(SCD4x, scd4x.Model(), 1), "SCD41")
    equal(identified_in_time(SCD30, scd30.Model(), 3), "SCD30")


def test_sht4x_that_is_too_slow_is_not_identified():
    equal(identified_in_time(SHT4x, sht4x.Model(), 11), None)


def test_wrong_chip_is_an_error_of_the_measurement():
    chip = sht3x.Model()
    chip.wrong_id()
    with raises(SensorError, "0x44: a different chip, not SHT3x"):
        i2c_rig(SHT3x, chip).sample()


def test_wrong_checksum_is_an_error():
    for driver_class, model, _ in FAMILY:
        rig = i2c_rig(driver_class, model())
        rig.sample()
        rig.chip.bad_checksum = True
        with raises(SensorError, "0x%02x: wrong checksum" % rig.driver.address):
            rig.sample()


def test_wrong_checksum_that_comes_once_or_twice_does_no_harm():
    rig = i2c_rig(SHT3x, sht3x.Model())
    rig.sample()
    for rig.chip.damaged in (1, 2):
        equal(rig.values()["temperature"], 25.0)
    rig.chip.damaged = 3
    with raises(SensorError, "0x44: wrong checksum"):
        rig.sample()


def test_measurement_that_the_chip_gives_once_is_not_asked_for_again():
    for driver_class, model in ((SCD4x, scd4x.Model), (SCD30, scd30.Model)):
        rig = i2c_rig(driver_class, model())
        rig.sample()
        waits = rig.driver.sample()
        with raises(SensorError, "wrong checksum"):
            for wait_ms in waits:
                rig.bus.clock.advance(wait_ms)
                # The next answer is the measurement.
                rig.chip.damaged = int(rig.chip.answer is not None and len(rig.chip.answer) > 1)


def test_checksum_of_the_last_word_counts():
    class Flipped(sht3x.Model):
        flip = False

        def read(self, count):
            data = bytearray(super().read(count))
            if self.flip and count == 6:
                data[4] ^= 1
            return data

    rig = i2c_rig(SHT3x, Flipped())
    rig.sample()
    rig.chip.flip = True
    with raises(SensorError, "wrong checksum"):
        rig.sample()


# SHT3x, SHT4x


def test_sht3x_converts_as_the_datasheet_does():
    equal(i2c_rig(SHT3x, sht3x.Model()).sample(), [("temperature", 25.0), ("humidity", 50.0)])


def test_sht3x_reads_below_zero():
    rig = i2c_rig(SHT3x, sht3x.Model())
    rig.chip.temperature = 9362
    equal(rig.values()["temperature"], -20.0)


def test_sht3x_and_sht4x_wait_long_enough_at_each_repeatability():
    for driver_class, model in ((SHT3x, sht3x.Model), (SHT4x, sht4x.Model)):
        for repeatability in ("high", "medium", "low"):
            rig = i2c_rig(driver_class, model(), repeatability=repeatability)
            equal(sorted(rig.values()), ["humidity", "temperature"])


def test_sht3x_is_faster_at_low_repeatability():
    def duration_ms(repeatability):
        rig = i2c_rig(SHT3x, sht3x.Model(), repeatability=repeatability)
        rig.sample()
        start_ms = rig.bus.clock.now_ms
        rig.sample()
        return rig.bus.clock.now_ms - start_ms

    equal([duration_ms(name) for name in ("high", "medium", "low")], [16, 7, 5])


def test_sht3x_stops_a_periodic_measurement_and_the_heater_first():
    chip = sht3x.Model()
    chip.periodic = True
    chip.status |= 0x2000
    rig = i2c_rig(SHT3x, chip)
    equal(rig.values()["temperature"], 25.0)
    equal((chip.periodic, chip.status & 0x2000), (False, 0))


def test_sht3x_that_is_busy_too_long_is_an_error():
    rig = i2c_rig(SHT3x, sht3x.Model())
    rig.sample()
    rig.chip.DURATIONS_MS = dict(rig.chip.DURATIONS_MS)
    rig.chip.DURATIONS_MS[0x2400] = 100
    with raises(SensorError, "0x44: no answer"):
        rig.sample()


def test_sht3x_and_sht4x_refuse_another_repeatability():
    for driver_class in (SHT3x, SHT4x):
        with raises(ValueError, "repeatability: 'best'", "'high', 'medium' or 'low'"):
            driver_class(None, repeatability="best")


def test_sht3x_recovers_after_it_was_unplugged():
    rig = i2c_rig(SHT3x, sht3x.Model())
    rig.sample()
    chip = rig.bus.remove(0x44)
    with raises(SensorError, "0x44: no answer"):
        rig.sample()
    chip.periodic = True  # so that only a new setup makes it measure
    rig.bus.attach(chip, 0x44)
    equal(rig.values()["temperature"], 25.0)


def test_sht4x_humidity_is_cut_off_at_the_ends():
    rig = i2c_rig(SHT4x, sht4x.Model())
    for raw, humidity in ((0, 0), (3145, 0), (32768, 56.5), (55575, 100.0), (65535, 100.0)):
        rig.chip.humidity = raw
        equal(rig.values()["humidity"], humidity)


def test_sht4x_humidity_equals_the_datasheets_formula():
    rig = i2c_rig(SHT4x, sht4x.Model())
    for raw in range(3200, 55000, 331):
        rig.chip.humidity = raw
        equal(round(rig.values()["humidity"] * 100), hundredths(12500 * raw, 600))


# SCD4x


def test_scd4x_gives_the_datasheets_example():
    # Section 3.5.2, read_measurement: 500 ppm, 25 °C, 37 %.
    rig = i2c_rig(SCD4x, scd4x.Model())
    equal(rig.sample(), [("co2", 500), ("temperature", 25.0), ("humidity", 37.0)])


def test_scd4x_waits_for_each_new_measurement():
    rig = i2c_rig(SCD4x, scd4x.Model())
    rig.sample()
    start_ms = rig.bus.clock.now_ms
    rig.chip.co2 = 900
    equal(rig.values()["co2"], 900)
    close(rig.bus.clock.now_ms - start_ms, 5000, 250)


def test_scd4x_is_named_by_its_variant():
    for word, name in ((0x0440, "SCD40"), (0x1440, "SCD41"), (0x5440, "SCD43"), (0x9440, "SCD4x")):
        bus = I2C()
        bus.attach(scd4x.Model(word), 0x62)
        equal(SCD4x.identify(bus, 0x62), name)


def test_scd4x_is_identified_while_it_measures():
    rig = i2c_rig(SCD4x, scd4x.Model())
    rig.sample()
    equal(SCD4x.identify(rig.bus, 0x62), "SCD4x")
    equal(rig.values()["co2"], 500)  # and goes on measuring


def test_scd4x_is_set_up_again_while_it_measures():
    rig = i2c_rig(SCD4x, scd4x.Model(), altitude_m=100)
    rig.sample()
    again = SCD4x(rig.bus, altitude_m=200)
    rig.driver = again
    equal(rig.values()["co2"], 500)
    equal(rig.chip.settings[0x2427], 200)


def test_scd4x_options_are_the_words_of_the_datasheets_examples():
    # Sections 3.6.1, 3.6.3 and 3.6.5: 5.4 °C, 1950 m, 98700 Pa.
    chip = scd4x.Model()
    i2c_rig(SCD4x, chip, temperature_offset=5.4, altitude_m=1950, pressure_hpa=987).sample()
    equal(chip.settings, {0x241D: 0x07E6, 0x2427: 0x079E, 0xE000: 0x03DB})


def test_scd4x_leaves_the_settings_that_are_not_given():
    chip = scd4x.Model()
    before = dict(chip.settings)
    i2c_rig(SCD4x, chip).sample()
    equal(chip.settings, before)


def test_scd4x_an_offset_of_0_is_given():
    chip = scd4x.Model()
    i2c_rig(SCD4x, chip, temperature_offset=0).sample()
    equal(chip.settings[0x241D], 0)


def test_scd4x_that_lost_its_power_measures_again_after_one_error():
    rig = i2c_rig(SCD4x, scd4x.Model())
    rig.sample()
    rig.chip.power_on()
    with raises(SensorError, "0x62: no measurement within 6 s"):
        rig.sample()
    equal(rig.values()["co2"], 500)


def test_scd4x_refuses_options_out_of_range():
    for options, words in (
        ({"altitude_m": 3001}, "altitude_m: 3001; give a number from 0 to 3000"),
        ({"pressure_hpa": 98700}, "pressure_hpa: 98700; give a number from 700 to 1200"),
        ({"temperature_offset": -1}, "temperature_offset: -1; give a number from 0 to 20"),
        ({"altitude_m": "high"}, "altitude_m: 'high'; give a number"),
        ({"altitude_m": True}, "altitude_m: True; give a number"),
    ):
        with raises(ValueError, words):
            SCD4x(None, **options)


# SCD30


def test_scd30_gives_the_interface_descriptions_example():
    # Section 1.4.5: 439 ppm, 27.2 °C, 48.8 %.
    values = i2c_rig(SCD30, scd30.Model()).values()
    equal(sorted(values), ["co2", "humidity", "temperature"])
    close(values["co2"], 439.1, 0.001)
    close(values["temperature"], 27.24, 0.0001)
    close(values["humidity"], 48.81, 0.0001)


def test_scd30_reads_below_zero():
    rig = i2c_rig(SCD30, scd30.Model())
    rig.chip.temperature = -12.5
    equal(rig.values()["temperature"], -12.5)


def test_scd30_waits_for_each_new_measurement():
    rig = i2c_rig(SCD30, scd30.Model(), interval_s=10)
    rig.sample()
    start_ms = rig.bus.clock.now_ms
    rig.sample()
    close(rig.bus.clock.now_ms - start_ms, 10000, 1100)


def test_scd30_writes_its_flash_memory_only_for_what_is_new():
    rig = i2c_rig(SCD30, scd30.Model(), interval_s=5, altitude_m=520, temperature_offset=1.5)
    rig.sample()
    rig.driver = SCD30(rig.bus, interval_s=5, altitude_m=520, temperature_offset=1.5)
    rig.sample()
    equal(rig.chip.kept, {0x4600: 5, 0x5102: 520, 0x5403: 150, 0x5306: 1})
    equal(rig.chip.writes, 3)


def test_scd30_leaves_the_settings_that_are_not_given():
    chip = scd30.Model()
    chip.kept[0x5102] = 99
    chip.kept[0x5403] = 77
    i2c_rig(SCD30, chip).sample()
    equal((chip.kept[0x5102], chip.kept[0x5403], chip.writes), (99, 77, 0))


def test_scd30_is_started_with_the_pressure():
    for options, pressure in (({}, 0), ({"pressure_hpa": 1013.4}, 1013)):
        chip = scd30.Model()
        i2c_rig(SCD30, chip, **options).sample()
        equal(chip.pressure, pressure)


def test_scd30_that_lost_its_power_measures_again_after_one_error():
    rig = i2c_rig(SCD30, scd30.Model())
    rig.sample()
    rig.chip.power_on()
    with raises(SensorError, "0x61: no measurement within 3000 ms"):
        rig.sample()
    equal(len(rig.sample()), 3)


def test_scd30_values_that_are_none_are_left_out():
    for name, value in (
        ("co2", float("nan")),
        ("co2", 0.0),
        ("co2", 1e9),
        ("temperature", float("nan")),
        ("humidity", float("inf")),
        ("humidity", -1.0),
    ):
        rig = i2c_rig(SCD30, scd30.Model())
        setattr(rig.chip, name, value)
        equal(len(rig.sample()), 2)
        assert str(rig.driver.problem).startswith(name + ": "), rig.driver.problem


def test_scd30_refuses_options_out_of_range():
    for options, words in (
        ({"interval_s": 1}, "interval_s: 1; give a number from 2 to 1800"),
        ({"pressure_hpa": 500}, "pressure_hpa: 500; give a number from 700 to 1400"),
        ({"altitude_m": -5}, "altitude_m: -5; give a number from 0 to 3000"),
        ({"temperature_offset": 21}, "temperature_offset: 21; give a number from 0 to 20"),
    ):
        with raises(ValueError, words):
            SCD30(None, **options)
