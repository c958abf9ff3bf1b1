"""AHT20 and AHT10, and the gas sensors SGP30, SGP40, ENS160 and CCS811."""

from models import aht20, ccs811, ens160, sgp30, sgp40
from models.bus import I2C
from plexus.sensors.aht20 import AHT20
from plexus.sensors.ccs811 import CCS811
from plexus.sensors.driver import SensorError
from plexus.sensors.ens160 import ENS160
from plexus.sensors.sgp30 import SGP30
from plexus.sensors.sgp40 import SGP40
from sensors import close, i2c_rig
from support import equal, raises

IDENTIFIED = (
    (SGP30, sgp30.Model),
    (SGP40, sgp40.Model),
    (ENS160, ens160.Model),
    (CCS811, ccs811.Model),
)


def rest(rig, milliseconds=1000):
    """Let the time between two measurements pass, and measure."""
    rig.bus.clock.advance(milliseconds)
    return rig.values()


def test_each_chip_is_identified():
    for driver_class, model in IDENTIFIED:
        bus = I2C()
        for address in driver_class.ADDRESSES:
            bus.attach(model(), address)
            equal(driver_class.identify(bus, address), driver_class.__name__)


def test_another_chip_is_not_identified():
    for driver_class, model in IDENTIFIED:
        bus = I2C()
        bus.attach(model(), driver_class.ADDRESSES[0]).wrong_id()
        equal(driver_class.identify(bus, driver_class.ADDRESSES[0]), None)


def test_wrong_chip_is_an_error_of_the_measurement():
    for driver_class, model in IDENTIFIED:
        chip = model()
        chip.wrong_id()
        rig = i2c_rig(driver_class, chip)
        with raises(SensorError, "a different chip, not " + driver_class.__name__):
            rig.sample()


def test_none_is_taken_for_another():
    for driver_class, _ in IDENTIFIED:
        for other, model in IDENTIFIED:
            if driver_class is not other:
                bus = I2C()
                bus.attach(model(), 0x53)
                equal(driver_class.identify(bus, 0x53), None)


def test_wrong_checksum_is_an_error():
    for driver_class, model in IDENTIFIED[:2] + ((AHT20, aht20.Model),):
        rig = i2c_rig(driver_class, model())
        rig.sample()
        rig.chip.bad_checksum = True
        with raises(SensorError, "0x%02x: wrong checksum" % rig.driver.address):
            rest(rig)


# AHT20, AHT10


def test_aht20_converts_as_the_datasheet_does():
    for raw, temperature in ((0, -50.0), (262144, 0.0), (393216, 25.0), (1048575, 150.0)):
        rig = i2c_rig(AHT20, aht20.Model())
        rig.driver.RANGES = ()  # the formula alone
        rig.chip.raw_temperature = raw
        equal(rig.values()["temperature"], temperature)
    for raw, humidity in ((0, 0.0), (524288, 50.0), (1048575, 100.0)):
        rig.chip.raw_humidity = raw
        equal(rig.values()["humidity"], humidity)


def test_aht20_reads_what_a_chip_once_sent():
    class Recorded(aht20.Model):
        def read(self, count):
            return bytes((28, 38, 154, 118, 66, 231, 118))[:count]

    equal(i2c_rig(AHT20, Recorded()).sample(), [("temperature", 28.27), ("humidity", 15.08)])


def test_aht20_equals_the_datasheets_formula():
    rig = i2c_rig(AHT20, aht20.Model())
    rig.driver.RANGES = ()  # the formula alone
    for raw in range(0, 1 << 20, 30011):
        rig.chip.raw_temperature = rig.chip.raw_humidity = raw
        values = rig.values()
        equal(round(values["temperature"] * 100), (2 * 20000 * raw + (1 << 20) >> 21) - 5000)
        equal(round(values["humidity"] * 100), 2 * 10000 * raw + (1 << 20) >> 21)


def test_aht20_waits_on_for_a_slow_chip():
    for busy_ms in (80, 81, 100, 139):
        rig = i2c_rig(AHT20, aht20.Model())
        rig.chip.busy_ms = busy_ms
        equal(rig.values()["temperature"], 25.0)


def test_aht20_that_stays_busy_is_an_error():
    rig = i2c_rig(AHT20, aht20.Model())
    rig.chip.busy_ms = 10000
    with raises(SensorError, "0x38: the measurement does not end"):
        rig.sample()


def test_aht10_is_told_to_load_its_calibration():
    rig = i2c_rig(AHT20, aht20.AHT10(), variant="AHT10")
    equal(rig.sample(), [("temperature", 25.0), ("humidity", 50.0)])


def test_aht20_without_calibration_is_told_to_load_it():
    chip = aht20.Model()
    chip.status = 0x10
    equal(i2c_rig(AHT20, chip).values()["temperature"], 25.0)


def test_aht20_that_does_not_load_its_calibration_is_an_error():
    chip = aht20.Model()
    chip.broken = True
    with raises(SensorError, "0x38: it does not load its calibration"):
        i2c_rig(AHT20, chip).sample()


def test_aht10_that_lost_its_power_measures_again_after_one_error():
    rig = i2c_rig(AHT20, aht20.AHT10(), variant="AHT10")
    rig.sample()
    rig.chip.power_on()
    with raises(SensorError, "0x38: it has lost its calibration"):
        rig.sample()
    equal(rig.values()["humidity"], 50.0)


def test_aht10_taken_for_an_aht20_is_an_error_that_names_the_option():
    chip = aht20.AHT10()
    chip.status = 0x08
    with raises(SensorError, "0x38: wrong checksum", "variant=AHT10"):
        i2c_rig(AHT20, chip).sample()


def test_aht20_refuses_another_variant():
    with raises(ValueError, "variant: 'AHT15'; give 'AHT20' or 'AHT10'"):
        AHT20(None, variant="AHT15")


# SGP30


def test_sgp30_gives_nothing_of_its_warm_up():
    rig = i2c_rig(SGP30, sgp30.Model())
    equal(rig.sample(), [("eco2", 415), ("tvoc", 12)])
    close(rig.bus.clock.now_ms, 15000, 100)


def test_sgp30_clean_air_is_a_reading_after_the_warm_up():
    rig = i2c_rig(SGP30, sgp30.Model())
    rig.chip.eco2, rig.chip.tvoc = 400, 0
    equal(rig.sample(), [("eco2", 400), ("tvoc", 0)])


def test_sgp30_is_measured_every_second_of_its_warm_up():
    times = []

    class Watched(sgp30.Model):
        def execute(self, command, words):
            if command == 0x2008:
                times.append(self.clock.now_ms)
            return super().execute(command, words)

    i2c_rig(SGP30, Watched()).sample()
    equal([after - before for before, after in zip(times, times[1:])], [1000] * 15)


def test_sgp30_gives_a_baseline_back_in_the_chips_order():
    rig = i2c_rig(SGP30, sgp30.Model(), baseline=(0x9001, 0x9002))
    rig.sample()
    equal(rig.chip.baseline, (0x9001, 0x9002))


def test_sgp30_has_no_baseline_before_12_hours():
    rig = i2c_rig(SGP30, sgp30.Model())
    rig.sample()
    rig.driver._left = 2
    rest(rig)
    equal(rig.driver.baseline, None)
    rest(rig)
    equal(rig.driver.baseline, rig.chip.learnt)


def test_sgp30_that_has_found_no_baseline_keeps_the_one_before():
    rig = i2c_rig(SGP30, sgp30.Model(), baseline=(0x9001, 0x9002))
    rig.sample()
    rig.chip.learnt = rig.chip.baseline = (0, 0)
    rig.driver._left = 1
    rest(rig)
    equal(rig.driver.baseline, (0x9001, 0x9002))


def test_sgp30_first_baseline_takes_12_hours_of_measurements():
    rig = i2c_rig(SGP30, sgp30.Model())
    rig.sample()
    equal(rig.driver._left, 12 * 3600 - 1)


def test_sgp30_baseline_that_was_given_is_renewed_every_hour():
    rig = i2c_rig(SGP30, sgp30.Model(), baseline=[0x9001, 0x9002])
    rig.sample()
    rig.chip.baseline = (0x9003, 0x9004)
    for _ in range(3598):
        rest(rig, 988)
        del rig.bus.log[:]
    equal(rig.driver.baseline, (0x9001, 0x9002))
    rest(rig, 988)
    equal(rig.driver.baseline, (0x9003, 0x9004))


def test_sgp30_that_was_replugged_gets_its_last_baseline():
    rig = i2c_rig(SGP30, sgp30.Model(), baseline=(0x9001, 0x9002))
    rig.sample()
    rig.bus.remove(0x58)
    with raises(SensorError, "0x58: no answer"):
        rest(rig)
    rig.chip = rig.bus.attach(sgp30.Model(), 0x58)
    rest(rig)
    equal(rig.chip.baseline, (0x9001, 0x9002))


def test_sgp30_goes_on_learning_after_an_error():
    for baseline in (None, (0x9001, 0x9002)):
        rig = i2c_rig(SGP30, sgp30.Model(), baseline=baseline)
        rig.sample()
        left = rig.driver._left
        rig.chip.baseline = (0x9003, 0x9004)
        rig.chip.bad_checksum = True
        with raises(SensorError, "0x58: wrong checksum"):
            rest(rig)
        rig.chip.bad_checksum = False
        start_ms = rig.bus.clock.now_ms
        equal(rest(rig)["eco2"], 415)
        equal(rig.chip.baseline, (0x9003, 0x9004))
        equal(rig.driver._left, left - 1)
        close(rig.bus.clock.now_ms - start_ms, 1000, 100)  # and no warm-up


def test_sgp30_whose_baseline_cannot_be_asked_for_is_started_anew():
    class Deaf(sgp30.Model):
        def execute(self, command, words):
            return None if command == 0x2015 else super().execute(command, words)

    rig = i2c_rig(SGP30, Deaf(), baseline=(0x9001, 0x9002))
    rig.sample()
    rig.chip.eco2 = 0
    with raises(SensorError, "no valid measurement"):
        rest(rig)
    rig.chip.eco2 = 500
    rig.chip.baseline = (5, 5)
    equal(rest(rig)["eco2"], 500)
    equal(rig.chip.baseline, (0x9001, 0x9002))


def test_sgp30_whose_warm_up_is_broken_off_has_it_again():
    rig = i2c_rig(SGP30, sgp30.Model())
    sample = rig.driver.sample()
    for _ in range(9):
        rig.bus.clock.advance(next(sample))
    rig.chip.baseline = (1, 1)
    sample.close()
    equal(rig.values()["eco2"], 415)


def test_sgp30_values_out_of_range_are_an_error():
    for eco2, tvoc in ((0, 0), (399, 0), (60001, 0), (500, 60001), (65535, 65535)):
        rig = i2c_rig(SGP30, sgp30.Model())
        rig.chip.eco2, rig.chip.tvoc = eco2, tvoc
        with raises(SensorError, "0x58: it gives no valid measurement"):
            rig.sample()


def test_sgp30_refuses_what_is_no_baseline():
    for baseline in (5, (1,), (1, 2, 3), "ab", (None, 1), (1.5, 1)):
        with raises(ValueError, "baseline: ", "give"):
            SGP30(None, baseline=baseline)
    with raises(ValueError, "baseline: 65536; give a whole number from 1 to 65535"):
        SGP30(None, baseline=(1, 65536))


# SGP40


def test_sgp40_sends_the_datasheets_default_command():
    # Table 9: without compensation.
    rig = i2c_rig(SGP40, sgp40.Model())
    equal(rig.sample(), [("voc_raw", 30000)])
    sent = [data for _, data, _ in rig.bus.log if data and data[0] == 0x26]
    equal(sent, [b"\x26\x0f\x80\x00\xa2\x66\x66\x93"])


def test_sgp40_is_told_of_the_air():
    # Table 10: the ends of both scales.
    for options, words in (
        ({"humidity": 0, "temperature": -45}, (0, 0)),
        ({"humidity": 100, "temperature": 130}, (65535, 65535)),
        ({"humidity": 100}, (65535, 0x6666)),
        ({"temperature": -45}, (0x8000, 0)),
    ):
        rig = i2c_rig(SGP40, sgp40.Model(), **options)
        rig.sample()
        equal(rig.chip.compensation, words)


def test_sgp40_asks_functions_at_each_measurement():
    air = {"humidity": 0, "temperature": -45}
    rig = i2c_rig(
        SGP40,
        sgp40.Model(),
        humidity=lambda: air["humidity"],
        temperature=lambda: air["temperature"],
    )
    for humidity, temperature, words in (
        (100, 130, (65535, 65535)),
        (None, None, (0x8000, 0x6666)),
        (-1, 1000, (0, 65535)),
    ):
        air["humidity"], air["temperature"] = humidity, temperature
        rig.sample()
        equal(rig.chip.compensation, words)


def test_sgp40_waits_for_its_measurement():
    rig = i2c_rig(SGP40, sgp40.Model())
    rig.chip.DURATIONS_MS = dict(rig.chip.DURATIONS_MS)
    rig.chip.DURATIONS_MS[0x260F] = 31
    with raises(SensorError, "0x59: no answer"):
        rig.sample()


def test_sgp40_refuses_air_out_of_range():
    with raises(ValueError, "humidity: 101; give a number from 0 to 100"):
        SGP40(None, humidity=101)
    with raises(ValueError, "temperature: -50; give a number from -45 to 130"):
        SGP40(None, temperature=-50)


# ENS160


def test_ens160_gives_what_the_chip_estimates():
    rig = i2c_rig(ENS160, ens160.Model())
    equal(rig.sample(), [("eco2", 600), ("tvoc", 120), ("air_quality_index", 2)])


def test_ens160_reads_the_whole_range():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.chip.eco2, rig.chip.tvoc, rig.chip.index = 65000, 64999, 5
    equal(rig.values(), {"eco2": 65000, "tvoc": 64999, "air_quality_index": 5})


def test_ens160_waits_for_each_new_measurement():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.sample()
    rig.chip.eco2 = 900
    equal(rig.values()["eco2"], 900)


def test_ens160_gives_nothing_until_its_values_are_valid():
    rig = i2c_rig(ENS160, ens160.Model())
    for validity in (1, 2):
        rig.chip.validity = validity
        equal(rig.sample(), [])
    rig.chip.validity = 0
    equal(len(rig.sample()), 3)


def test_ens160_without_valid_output_is_an_error():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.chip.validity = 3
    with raises(SensorError, "0x53: it reports an error (status 0x8c)"):
        rig.sample()


def test_ens160_that_reports_an_error_is_one():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.chip.fault = True
    with raises(SensorError, "0x53: it reports an error (status 0xc0)"):
        rig.sample()


def test_ens160_that_measures_no_more_is_an_error():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.sample()
    rig.chip.stuck = True
    with raises(SensorError, "0x53: no new data"):
        rig.sample()


def test_ens160_is_not_started_anew_after_an_error_on_the_bus():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.sample()
    rig.bus.stuck = True
    with raises(SensorError, "0x53: no answer"):
        rig.sample()
    rig.bus.stuck = False
    rig.sample()
    equal(rig.chip.starts, 1)


def test_ens160_that_lost_its_power_measures_again_after_one_error():
    rig = i2c_rig(ENS160, ens160.Model())
    rig.sample()
    rig.chip.power_on()
    rig.chip.validity = 1  # says a chip that sleeps as well: no reason to wait for it
    with raises(SensorError, "0x53: no new data"):
        rig.sample()
    rig.chip.validity = 0
    equal(len(rig.sample()), 3)


def test_ens161_is_named_so():
    bus = I2C()
    bus.attach(ens160.Model(), 0x52).put(0x00, (0x61, 0x01))
    equal(ENS160.identify(bus, 0x52), "ENS161")


# CCS811


def test_ccs811_gives_what_the_chip_estimates():
    rig = i2c_rig(CCS811, ccs811.Model())
    equal(rig.sample(), [("eco2", 421), ("tvoc", 3)])


def test_ccs811_sets_the_mode_for_its_interval():
    for interval_s, mode in ((1, 0x10), (10, 0x20), (60, 0x30)):
        rig = i2c_rig(CCS811, ccs811.Model(), interval_s=interval_s)
        equal(len(rig.sample()), 2)
        equal(rig.chip.mode, mode)


def test_ccs811_waits_for_each_new_measurement():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.sample()
    rig.chip.eco2 = 900
    equal(rig.values()["eco2"], 900)


def test_ccs811_without_application_is_an_error():
    chip = ccs811.Model()
    chip.has_application = False
    with raises(SensorError, "0x5a: it has no application firmware"):
        i2c_rig(CCS811, chip).sample()


def test_ccs811_whose_application_does_not_start_is_an_error():
    class Stubborn(ccs811.Model):
        def is_running(self):
            return False

    with raises(SensorError, "0x5a: its application does not start"):
        i2c_rig(CCS811, Stubborn()).sample()


def test_ccs811_names_its_error():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.chip.faults = 0x30
    with raises(SensorError, "0x5a: error 0x30: heater current, heater voltage"):
        rig.sample()


def test_ccs811_goes_on_after_an_error_that_is_over():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.chip.faults = 0x08
    with raises(SensorError, "resistance too high"):
        rig.sample()
    rig.chip.faults = 0
    equal(len(rig.sample()), 2)


def test_ccs811_forgets_an_old_error():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.bus.writeto(0x5A, b"\x77\x01")  # to a register that it has not, as a scan might
    equal(len(rig.sample()), 2)


def test_ccs811_is_not_started_anew_after_an_error_on_the_bus():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.sample()
    rig.bus.stuck = True
    with raises(SensorError, "0x5a: no answer"):
        rig.sample()
    rig.bus.stuck = False
    rig.sample()
    equal(rig.chip.starts, 1)


def test_ccs811_that_lost_its_power_measures_again_after_one_error():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.sample()
    rig.chip.power_on()
    with raises(SensorError, "0x5a: it has restarted"):
        rig.sample()
    equal(len(rig.sample()), 2)


def test_ccs811_that_measures_no_more_is_an_error():
    rig = i2c_rig(CCS811, ccs811.Model())
    rig.sample()
    rig.chip.mode = 0
    with raises(SensorError, "0x5a: no new data within 1500 ms"):
        rig.sample()


def test_ccs811_values_out_of_range_are_an_error():
    for eco2, tvoc in ((0, 0), (399, 0), (65021, 3), (500, 65535)):
        rig = i2c_rig(CCS811, ccs811.Model())
        rig.chip.eco2, rig.chip.tvoc = eco2, tvoc
        with raises(SensorError, "0x5a: it gives no valid measurement"):
            rig.sample()


def test_ccs811_refuses_another_interval():
    with raises(ValueError, "interval_s: 5; give 1, 10 or 60"):
        CCS811(None, interval_s=5)
