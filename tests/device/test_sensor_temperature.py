"""The sensors of temperature alone: MCP9808, TMP117 and LM75."""

from models import lm75, mcp9808, tmp117
from plexus.sensors.driver import SensorError
from plexus.sensors.lm75 import LM75
from plexus.sensors.mcp9808 import MCP9808
from plexus.sensors.tmp117 import TMP117
from sensors import close, i2c_rig
from support import equal, raises


def readings(rig, raws):
    """The temperatures that it reads at these raw values, each measured by then."""
    rig.sample()
    got = []
    for rig.chip.raw in raws:
        rig.bus.clock.advance(2000)
        got.append(rig.values()["temperature"])
    return got


def test_mcp9808_reads_sixteenths_of_a_degree_with_their_sign():
    rig = i2c_rig(MCP9808, mcp9808.Model())
    equal(
        readings(rig, (-640, -16, -1, 0, 1, 404, 2000)),
        [-40, -1, -0.0625, 0, 0.0625, 25.25, 125],
    )


def test_mcp9808_reads_the_same_whatever_its_limits():
    for limit in (0, 0x0140, 0x1EC0):  # 0, 20 and -20 °C
        rig = i2c_rig(MCP9808, mcp9808.Model())
        rig.chip.limits = {2: limit, 3: limit, 4: limit}
        equal(readings(rig, (-400, 400)), [-25, 25])


def test_mcp9808_waits_for_its_first_measurement_at_each_resolution():
    for resolution in (0.5, 0.25, 0.125, 0.0625):
        rig = i2c_rig(MCP9808, mcp9808.Model(), resolution=resolution)
        rig.chip.raw = 407  # 25.4375 °C
        equal(rig.values()["temperature"], 25.4375 // resolution * resolution)


def test_mcp9808_that_is_shut_down_is_woken_and_keeps_its_settings():
    rig = i2c_rig(MCP9808, mcp9808.Model())
    rig.chip.config = 0x0308
    equal(rig.values()["temperature"], 25.25)
    equal(rig.chip.config, 0x0208)


def test_mcp9808_is_told_from_others():
    rig = i2c_rig(MCP9808, mcp9808.Model())
    equal(rig.driver.chip(), "MCP9808")
    rig.chip.wrong_id()
    with raises(SensorError, "0x18", "not MCP9808"):
        rig.sample()


def test_mcp9808_refuses_a_resolution_that_the_chip_has_not():
    with raises(ValueError, "resolution: 0.1;", "0.5, 0.25, 0.125 or 0.0625"):
        MCP9808(None, resolution=0.1)


def test_tmp117_reads_the_examples_of_its_datasheet():
    # Section 7.3.3, table 7-1; the driver rounds to thousandths.
    rig = i2c_rig(TMP117, tmp117.Model())
    rig.driver.RANGES = ()  # the formula alone
    raws = (-0xC80, -0x10, -1, 0, 1, 0x10, 0x80, 0xC80, 0x3200, 0x7FFF)
    expected = [-25, -0.125, -0.008, 0, 0.008, 0.125, 1, 25, 100, 255.992]
    equal(readings(rig, raws), expected)


def test_tmp117_waits_long_enough_for_each_averaging():
    for averaging in (1, 8, 32, 64):
        rig = i2c_rig(TMP117, tmp117.Model(), averaging=averaging)
        equal(rig.values(), {"temperature": 25})
        equal(rig.chip.averaged_ms(), 17.5 * averaging)
        close(rig.bus.clock.now_ms, 17.5 * averaging, averaging)


def test_tmp117_measures_anew_at_each_read_and_then_sleeps():
    rig = i2c_rig(TMP117, tmp117.Model())
    rig.sample()
    equal(rig.chip.config & 0x0C00, 0x0400)
    rig.chip.raw = 26 * 128
    equal(rig.values(), {"temperature": 26})


def test_tmp117_that_lost_its_power_measures_all_the_same():
    rig = i2c_rig(TMP117, tmp117.Model(), averaging=64)
    rig.sample()
    rig.chip.power_on()
    equal(rig.values(), {"temperature": 25})


def test_tmp117_that_does_not_end_is_an_error():
    rig = i2c_rig(TMP117, tmp117.Model())
    rig.chip.pass_time = lambda: None
    with raises(SensorError, "0x48", "does not end"):
        rig.sample()


def test_tmp117_that_measured_nothing_is_an_error():
    rig = i2c_rig(TMP117, tmp117.Model())
    rig.chip.raw = -0x8000
    with raises(SensorError, "0x48", "nothing was measured"):
        rig.sample()


def test_tmp117_and_tmp119_are_told_apart_and_from_others():
    equal(i2c_rig(TMP117, tmp117.Model()).driver.chip(), "TMP117")
    equal(i2c_rig(TMP117, tmp117.Model(0x2117)).driver.chip(), "TMP119")
    for other in (tmp117.Model(0x1116), lm75.Model()):
        equal(i2c_rig(TMP117, other).driver.chip(), None)


def test_tmp117_refuses_an_averaging_that_the_chip_has_not():
    with raises(ValueError, "averaging: 2;", "1, 8, 32 or 64"):
        TMP117(None, averaging=2)


def test_lm75b_reads_the_examples_of_its_datasheet():
    # NXP LM75B, section 7.4.3, table 10: in 0.125 °C.
    rig = i2c_rig(LM75, lm75.Model())
    eighths = (0x3F7, 0x3F1, 0x3E8, 0x0C8, 1, 0, -1, 0x738 - 0x800, 0x649 - 0x800, 0x648 - 0x800)
    expected = [126.875, 126.125, 125, 25, 0.125, 0, -0.125, -25, -54.875, -55]
    equal(readings(rig, [raw << 5 for raw in eighths]), expected)


def test_lm75_with_9_bits_ignores_those_that_are_undefined():
    rig = i2c_rig(LM75, lm75.Model(bits=9), bits=9)
    equal(readings(rig, (-0x80, 0, 0x80, 0x1980)), [-0.5, 0, 0.5, 25.5])


def test_lm75_with_12_bits_sets_the_chip_to_them():
    rig = i2c_rig(LM75, lm75.Model(bits=12), bits=12)
    equal(readings(rig, (-0x10, 0, 0x10, 0x1910)), [-0.0625, 0, 0.0625, 25.0625])


def test_lm75_waits_for_its_first_measurement():
    for bits in (9, 11, 12):
        equal(i2c_rig(LM75, lm75.Model(bits), bits=bits).values(), {"temperature": 25})


def test_lm75_that_is_shut_down_is_woken_and_keeps_its_settings():
    rig = i2c_rig(LM75, lm75.Model())
    rig.chip.config = 0x1F
    equal(rig.values(), {"temperature": 25})
    equal(rig.chip.config, 0x1E)


def test_lm75_beyond_its_range_is_an_error():
    for raw in (-56 * 256, -128 * 256, 0x7FE0):
        rig = i2c_rig(LM75, lm75.Model())
        rig.chip.raw = raw
        with raises(SensorError, "temperature: ", " is not from -55 to 127"):
            rig.sample()


def test_lm75_is_recognised_by_the_limits_it_has_at_power_on():
    for bits in (9, 11, 12):
        equal(i2c_rig(LM75, lm75.Model(bits)).driver.chip(), "LM75")
    equal(i2c_rig(LM75, tmp117.Model()).driver.chip(), None)


def test_lm75_is_not_asked_for_one_byte_of_two():
    # Such a read may leave it with SDA held low (TI LM75B datasheet, figure 11).
    rig = i2c_rig(LM75, lm75.Model())
    rig.driver.chip()
    rig.sample()
    for _, data, count in rig.bus.log:
        assert count != 1 or data == b"\x01"


def test_lm75_with_other_limits_can_be_used_all_the_same():
    rig = i2c_rig(LM75, lm75.Model())
    rig.chip.limits[3] = 30 << 8
    equal(rig.driver.chip(), None)
    equal(rig.values(), {"temperature": 25})


def test_lm75_refuses_bits_that_no_chip_has():
    with raises(ValueError, "bits: 10;", "9, 11 or 12"):
        LM75(None, bits=10)
