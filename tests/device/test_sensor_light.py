"""Light and distance: BH1750, TSL2591, VEML7700, APDS9960 and VL53L0X."""

from models import apds9960, bh1750, tsl2591, veml7700, vl53l0x
from plexus.sensors.apds9960 import APDS9960
from plexus.sensors.bh1750 import BH1750
from plexus.sensors.driver import SensorError
from plexus.sensors.tsl2591 import TSL2591
from plexus.sensors.veml7700 import VEML7700
from plexus.sensors.vl53l0x import VL53L0X
from sensors import close, i2c_rig
from support import equal, raises


def test_bh1750_gives_the_technical_notes_worked_example():
    # 1000 0011 1001 0000 read in the H-resolution mode is 28067 lx (measurement procedure).
    rig = i2c_rig(BH1750, bh1750.Model())
    rig.chip.illuminance = 0x8390 / 1.2 + 0.01
    equal(round(rig.values()["illuminance"]), 28067)


def test_bh1750_waits_long_enough_for_each_time_and_resolution():
    for time in (31, 69, 138, 254):
        for resolution in (1, 0.5):
            rig = i2c_rig(BH1750, bh1750.Model(), time=time, resolution=resolution)
            close(rig.values()["illuminance"], 500, 2)


def test_bh1750_resolves_more_with_a_longer_time():
    rig = i2c_rig(BH1750, bh1750.Model(), resolution=0.5, time=254)
    rig.chip.illuminance = 1.0
    close(rig.values()["illuminance"], 1.0, 0.12)
    rig = i2c_rig(BH1750, bh1750.Model())
    rig.chip.illuminance = 0.8
    equal(rig.values()["illuminance"], 0)


def test_bh1750_measures_direct_sunlight_with_the_shortest_time():
    rig = i2c_rig(BH1750, bh1750.Model(), time=31)
    rig.chip.illuminance = 100000.0
    close(rig.values()["illuminance"], 100000, 2)


def test_bh1750_too_bright_is_an_error():
    rig = i2c_rig(BH1750, bh1750.Model())
    rig.chip.illuminance = 100000.0
    with raises(SensorError, "0x23", "too bright"):
        rig.sample()


def test_bh1750_at_its_other_address():
    rig = i2c_rig(BH1750, bh1750.Model(), 0x5C)
    close(rig.values()["illuminance"], 500, 1)


def test_bh1750_refuses_wrong_options():
    with raises(ValueError, "resolution: 4", "1 or 0.5"):
        BH1750(None, resolution=4)
    for time in (30, 255, "long"):
        with raises(ValueError, "time: ", "31 to 254"):
            BH1750(None, time=time)


def test_tsl2591_gives_lux_by_both_fits():
    rig = i2c_rig(TSL2591, tsl2591.Model(), gain=25)
    # 3000 and 1000 counts: (3000 - 1.64 * 1000) * 408 / (100 ms * 25)
    rig.chip.broadband, rig.chip.infrared = 120.0, 40.0
    close(rig.values()["illuminance"], 221.952, 0.0001)
    # 3000 and 1800: (0.59 * 3000 - 0.86 * 1800) * 408 / 2500
    rig.chip.infrared = 72.0
    close(rig.values()["illuminance"], 36.2304, 0.0001)


def test_tsl2591_infrared_alone_is_no_light():
    rig = i2c_rig(TSL2591, tsl2591.Model())
    rig.chip.broadband, rig.chip.infrared = 100.0, 95.0
    equal(rig.values()["illuminance"], 0)


def test_tsl2591_waits_long_enough_for_each_time():
    for steps in range(1, 7):
        rig = i2c_rig(TSL2591, tsl2591.Model(), gain=25, integration_ms=100 * steps)
        close(rig.values()["illuminance"], 221.952, 0.0001)


def test_tsl2591_finds_the_gain_and_keeps_it():
    rig = i2c_rig(TSL2591, tsl2591.Model())
    for light, gain in ((0.01, 3), (5.0, 2), (100.0, 1), (30000.0, 0)):
        rig.chip.broadband, rig.chip.infrared = light, light / 3
        first = rig.values()["illuminance"]
        equal(rig.chip.registers[1] >> 4, gain)
        start_ms = rig.bus.clock.now_ms
        equal(rig.values()["illuminance"], first)
        equal(rig.bus.clock.now_ms - start_ms, 120)  # at once


def test_tsl2591_too_bright_is_an_error():
    rig = i2c_rig(TSL2591, tsl2591.Model())
    rig.chip.broadband = 37000.0
    with raises(SensorError, "0x29", "too bright"):
        rig.sample()
    rig = i2c_rig(TSL2591, tsl2591.Model(), gain=428)
    with raises(SensorError, "too bright"):
        rig.sample()


def test_tsl2591_reads_up_to_65535_counts_from_200_ms_on():
    rig = i2c_rig(TSL2591, tsl2591.Model(), gain=1, integration_ms=200)
    rig.chip.broadband, rig.chip.infrared = 30000.0, 0.0
    close(rig.values()["illuminance"], 60000 * 408 / 200, 0.1)


def test_tsl2591_takes_no_values_of_before():
    rig = i2c_rig(TSL2591, tsl2591.Model(), gain=25)
    rig.values()
    rig.bus.writeto_mem(0x29, 0xA0, b"\x03")  # somebody left it on, and it has values
    rig.bus.clock.advance(1000)
    equal(rig.bus.readfrom_mem(0x29, 0xB3, 1), b"\x01")
    rig.chip.convert = lambda: None  # it stands still
    with raises(SensorError, "does not end"):
        rig.sample()


def test_tsl2591_is_off_between():
    rig = i2c_rig(TSL2591, tsl2591.Model())
    rig.values()
    equal(rig.chip.registers[0], 0)


def test_tsl2591_and_vl53l0x_are_told_apart_at_their_address():
    for model, names in ((tsl2591, ("TSL2591", None)), (vl53l0x, (None, "VL53L0X"))):
        rig = i2c_rig(TSL2591, model.Model())
        equal(TSL2591.identify(rig.bus, 0x29), names[0])
        equal(VL53L0X.identify(rig.bus, 0x29), names[1])


def test_tsl2591_refuses_another_chip_and_wrong_options():
    rig = i2c_rig(TSL2591, tsl2591.Model())
    rig.chip.wrong_id()
    with raises(SensorError, "0x29", "not TSL2591"):
        rig.sample()
    with raises(ValueError, "gain: 2", "25, 428, 9876 or None"):
        TSL2591(None, gain=2)
    with raises(ValueError, "integration_ms: 50", "100, 200"):
        TSL2591(None, integration_ms=50)


def test_veml7700_gives_lux_by_the_resolution_and_corrects_it():
    rig = i2c_rig(VEML7700, veml7700.Model(), gain=1, integration_ms=100)
    rig.chip.illuminance = 0.0672 * 500 + 0.001  # 500 counts
    close(rig.values()["illuminance"], 33.6, 0.001)
    rig.chip.illuminance = 1000.0  # 14880 counts, 999.936 lx: plus 7.4 %
    close(rig.values()["illuminance"], 1074.926, 0.01)


def test_veml7700_waits_long_enough_for_each_time():
    for time_ms in (25, 50, 100, 200, 400, 800):
        rig = i2c_rig(VEML7700, veml7700.Model(), gain=0.125, integration_ms=time_ms)
        rig.chip.illuminance = 50.0
        close(rig.values()["illuminance"], 50, 53.76 / time_ms)


def test_veml7700_measures_from_starlight_to_sunlight():
    rig = i2c_rig(VEML7700, veml7700.Model())
    for light in (0.02, 0.5, 3.0, 40.0):
        rig.chip.illuminance = light
        close(rig.values()["illuminance"], light, 0.0042 + light / 100)
    start_ms = rig.bus.clock.now_ms
    rig.chip.illuminance = 23000.0  # of which at 100 ms there are more counts than it likes
    close(rig.values()["illuminance"], 120166, 30)
    assert rig.bus.clock.now_ms - start_ms < 300


def test_veml7700_too_bright_is_an_error():
    rig = i2c_rig(VEML7700, veml7700.Model())
    for light in (24100.0, 150000.0):  # beyond the correction, and beyond the converter
        rig.chip.illuminance = light
        with raises(SensorError, "0x10", "too bright"):
            rig.sample()
    rig = i2c_rig(VEML7700, veml7700.Model(), gain=2, integration_ms=800)
    with raises(SensorError, "too bright"):
        rig.sample()


def test_veml7700_ends_anothers_power_saving():
    rig = i2c_rig(VEML7700, veml7700.Model())
    rig.bus.writeto_mem(0x10, 3, b"\x07\x00")
    rig.values()
    equal(rig.chip.words[3], 0)


def test_veml7700_is_off_between():
    rig = i2c_rig(VEML7700, veml7700.Model())
    rig.values()
    equal(rig.chip.words[0] & 1, 1)


def test_veml7700_refuses_another_chip_and_wrong_options():
    rig = i2c_rig(VEML7700, veml7700.Model())
    rig.chip.wrong_id()
    with raises(SensorError, "0x10", "not VEML7700"):
        rig.sample()
    with raises(ValueError, "gain: 3", "0.125, 0.25, 1, 2 or None"):
        VEML7700(None, gain=3)
    with raises(ValueError, "integration_ms: 300", "25, 50"):
        VEML7700(None, gain=1, integration_ms=300)
    with raises(ValueError, "integration_ms: ", "give a gain as well"):
        VEML7700(None, integration_ms=200)


def test_apds9960_gives_color_and_proximity():
    rig = i2c_rig(APDS9960, apds9960.Model())
    # 37 steps at gain 4
    color = {"clear": 20 * 148, "red": 9 * 148, "green": 7 * 148, "blue": 4 * 148}
    equal(rig.values(), {"color": color, "proximity": 30})


def test_apds9960_waits_long_enough_for_each_time():
    for integration_ms in (3, 28, 103, 200, 711):
        rig = i2c_rig(APDS9960, apds9960.Model(), integration_ms=integration_ms)
        steps = (integration_ms + 1) * 100 // 278
        equal(rig.values()["color"]["clear"], 80 * steps)


def test_apds9960_gain_multiplies():
    for gain in (1, 4, 16, 64):
        rig = i2c_rig(APDS9960, apds9960.Model(), gain=gain, integration_ms=28)
        rig.chip.light = [8.0, 1.0, 2.0, 3.0]
        equal(rig.values()["color"]["clear"], 80 * gain)


def test_apds9960_is_set_for_proximity_and_off_between():
    for proximity_gain, bits in ((1, 0x00), (2, 0x04), (4, 0x08), (8, 0x0C)):
        rig = i2c_rig(APDS9960, apds9960.Model(), proximity_gain=proximity_gain)
        rig.values()
        equal(rig.chip.registers[0x8F], bits | 1)
        equal(rig.chip.registers[0x8E], 0x87)  # 8 pulses of 16 us
        equal(rig.chip.registers[0x80], 0)


def test_apds9960_too_bright_is_an_error():
    rig = i2c_rig(APDS9960, apds9960.Model())
    rig.chip.light = [300.0, 100.0, 100.0, 100.0]
    with raises(SensorError, "0x39", "too bright", "integration_ms"):
        rig.sample()
    rig = i2c_rig(APDS9960, apds9960.Model())
    rig.chip.dazzled = True
    with raises(SensorError, "proximity_gain"):
        rig.sample()


def test_apds9960_takes_no_values_of_before():
    rig = i2c_rig(APDS9960, apds9960.Model())
    rig.values()
    rig.bus.writeto_mem(0x39, 0x80, b"\x07")  # somebody left it on, and it has values
    rig.bus.clock.advance(1000)
    equal(rig.bus.readfrom_mem(0x39, 0x93, 1), b"\x03")
    rig.chip.expose = lambda: None  # it stands still
    with raises(SensorError, "does not end"):
        rig.sample()


def test_apds9960_knows_its_variants_and_refuses_others():
    for identity in (0xAB, 0xA8, 0x9C):
        rig = i2c_rig(APDS9960, apds9960.Model())
        rig.chip.put(0x92, (identity,))
        equal(APDS9960.identify(rig.bus, 0x39), "APDS9960")
    rig.chip.wrong_id()
    with raises(SensorError, "0x39", "not APDS9960"):
        rig.sample()


def test_apds9960_refuses_wrong_options():
    with raises(ValueError, "gain: 2", "1, 4, 16 or 64"):
        APDS9960(None, gain=2)
    with raises(ValueError, "integration_ms: 800", "3 to 711"):
        APDS9960(None, integration_ms=800)
    with raises(ValueError, "proximity_gain: 3", "1, 2, 4 or 8"):
        APDS9960(None, proximity_gain=3)


def test_vl53l0x_gives_the_distance():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    for distance in (30, 250, 1999):
        rig.chip.distance = distance
        equal(rig.sample(), [("distance", distance)])
    equal(rig.chip.pages[0][0x89], 1)  # I2C at 2.8 V


def test_vl53l0x_without_a_target_gives_no_reading():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    for status in (4, 5, 6, 7, 8, 9, 10, 12, 13, 14):
        rig.chip.status = status
        equal(rig.sample(), [])


def test_vl53l0x_failure_of_the_laser_is_an_error():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    rig.values()
    for status in (0, 1, 2, 3):
        rig.chip.status = status
        with raises(SensorError, "0x29", "status %d" % status):
            rig.sample()


def test_vl53l0x_keeps_within_the_budget():
    for budget_ms in (20, 33, 66, 200, 1000):
        rig = i2c_rig(VL53L0X, vl53l0x.Model(), budget_ms=budget_ms)
        rig.values()
        # What it takes, and what it was told to: the encoding is exact to 1/128.
        close(rig.chip.duration_us(0xE8), budget_ms * 1000, 700 + budget_ms * 8)
        start_ms = rig.bus.clock.now_ms
        equal(rig.values(), {"distance": 250})
        close(rig.bus.clock.now_ms - start_ms, budget_ms, 2 + budget_ms / 100)


def test_vl53l0x_that_never_ends_is_an_error():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    rig.chip.broken = True
    with raises(SensorError, "0x29", "does not become ready"):
        rig.sample()
    rig.chip.broken = False
    rig.values()
    rig.chip.broken = True
    with raises(SensorError, "does not become ready"):
        rig.sample()
    assert rig.bus.clock.now_ms < 2000


def test_vl53l0x_that_lost_power_is_set_up_again():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    rig.values()
    rig.chip.power_on()
    with raises(SensorError, "without power"):
        rig.sample()
    equal(rig.values(), {"distance": 250})


def test_vl53l0x_left_on_another_page_is_found_and_set_up():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    rig.bus.writeto_mem(0x29, 0xFF, b"\x01")
    equal(rig.values(), {"distance": 250})


def test_vl53l0x_refuses_another_chip_and_wrong_options():
    rig = i2c_rig(VL53L0X, vl53l0x.Model())
    rig.chip.wrong_id()
    with raises(SensorError, "0x29", "not VL53L0X"):
        rig.sample()
    with raises(ValueError, "budget_ms: 10", "20 to 1000"):
        VL53L0X(None, budget_ms=10)
