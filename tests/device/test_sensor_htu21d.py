"""The HTU21D, Si7021 and SHT21."""

from models import htu21d
from models.chip import RegisterChip
from plexus.sensors.driver import SensorError
from plexus.sensors.htu21d import HTU21D
from sensors import i2c_rig
from support import equal, raises


def test_htu21d_reads_the_examples_of_its_datasheet():
    # "CRC examples" and "Communication sequence": 0x683A is 24.7 °C, 0x7C80 is 54.8 %.
    equal(i2c_rig(HTU21D, htu21d.Model()).values(), {"temperature": 24.69, "humidity": 54.79})


def test_sht21_reads_the_example_of_its_datasheet():
    # Of a transfer with its status: 0x6352 is 42.5 %.
    rig = i2c_rig(HTU21D, htu21d.Model("SHT21"))
    rig.chip.raw_humidity = 0x6352
    equal(rig.values()["humidity"], 42.49)


def test_model_of_htu21d_has_the_checksums_of_the_datasheet():
    for data, expected in ((b"\xdc", 0x79), (b"\x68\x3a", 0x7C), (b"\x4e\x85", 0x6B)):
        equal(htu21d.checksum(data), expected)


def test_htu21d_equals_its_formulas_over_the_whole_range():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.driver.RANGES = ()  # the formula alone
    for raw in (4, 0x0FFC, 0x4444, 0x8000, 0xC3A0, 0xFFFC):
        rig.chip.raw_temperature = rig.chip.raw_humidity = raw
        values = rig.values()
        assert abs(values["temperature"] - (-46.85 + 175.72 * raw / 65536)) < 0.0051
        humidity = min(max(-6 + 125 * raw / 65536, 0), 100)
        assert abs(values["humidity"] - humidity) < 0.0051


def test_htu21d_and_its_kin_wait_long_enough_and_tell_their_names():
    for name in ("HTU21D", "Si7021", "SHT21"):
        rig = i2c_rig(HTU21D, htu21d.Model(name))
        equal(rig.driver.chip(), name)
        equal(sorted(rig.values()), ["humidity", "temperature"])


def test_htu21d_measures_anew_at_each_read():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.sample()
    rig.chip.raw_temperature += 0x400
    rig.chip.raw_humidity += 0x400
    equal(rig.values(), {"temperature": 27.43, "humidity": 56.74})


def test_htu21d_is_set_to_its_finest_resolution():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.chip.user = 0x83
    rig.sample()
    equal(rig.chip.user, 0x02)


def test_htu21d_with_heater_and_low_battery_is_recognised():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.chip.user = 0xC7
    equal(rig.driver.chip(), "HTU21D")


def test_htu21d_bad_checksum_is_an_error():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.sample()
    rig.chip.noise = 0x10
    with raises(SensorError, "0x40", "checksum"):
        rig.sample()


def test_htu21d_that_is_still_busy_is_an_error():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.chip.temperature_ms = 100
    with raises(SensorError, "0x40", "no answer"):
        rig.sample()


def test_another_chip_at_its_address_is_none_and_gets_no_command():
    rig = i2c_rig(HTU21D, htu21d.Model())
    rig.chip.wrong_id()
    equal(rig.driver.chip(), None)
    equal([data for _, data, _ in rig.bus.log], [b"\xe7"])
    with raises(SensorError, "not HTU21D"):
        rig.sample()


def test_chip_with_registers_at_its_address_is_none():
    for user in (0x00, 0x02, 0x3A, 0xFF):  # even if it looks alike there
        chip = RegisterChip()
        chip.put(0xE7, (user,))
        rig = i2c_rig(HTU21D, chip)
        equal(rig.driver.chip(), None)
        if user in (0x00, 0xFF):  # as most read where they have no register
            equal([data for _, data, _ in rig.bus.log], [b"\xe7"])
