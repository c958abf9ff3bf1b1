"""DS18B20 on a one-wire bus, and DHT22 and DHT11 at a pin, through the firmware's modules."""

import sys

import models.dht
import models.ds18x20
import models.onewire
from models.ds18b20 import Model
from models.onewire import Wire
from plexus.sensors.dht import DHT
from plexus.sensors.driver import SensorError
from plexus.sensors.ds18b20 import DS18B20
from sensors import Rig
from support import equal, raises

for name in ("dht", "ds18x20", "onewire"):
    sys.modules[name] = sys.modules["models." + name]


def wire_rig(*chips, names=None):
    wire = Wire()
    for chip in chips:
        wire.attach(chip)
    return Rig(wire, chips[0] if chips else None, DS18B20(wire, names))


def dht_rig(chip, **options):
    return Rig(chip, chip, DHT(chip, **options))


def test_ds18b20_gives_the_datasheets_temperatures():
    # "Temperature/Data Relationship"
    rig = wire_rig(Model())
    for raw, temperature in (
        (0x07D0, 125.0),
        (0x0551, 85.0625),
        (0x054F, 84.9375),
        (0x0191, 25.0625),
        (0x00A2, 10.125),
        (0x0008, 0.5),
        (0x0000, 0.0),
        (-0x0008, -0.5),
        (-0x00A2, -10.125),
        (-0x0191, -25.0625),
        (-0x0370, -55.0),
    ):
        rig.chip.raw = raw
        equal(rig.values(), {"temperature": temperature})


def test_ds18b20_tags_each_temperature_with_its_rom_id():
    first, second = Model(0x1), Model(0x2)
    second.raw = 160
    readings = wire_rig(first, second).sample()
    equal(sorted([reading[1] for reading in readings]), [10.0, 25.0625])
    for metric, value, tags in readings:
        equal(metric, "temperature")
        equal(tags, {"rom": (second if value == 10.0 else first).rom.hex()})


def test_ds18b20_that_is_named_has_its_own_metric():
    first, second = Model(0x1), Model(0xABCDEF)
    second.raw = -18 * 16
    rom = second.rom.hex()
    rig = wire_rig(first, second, names={rom.upper(): "freezer"})
    equal(len(rig.sample()), 2)
    equal(rig.values(), {"temperature": 25.0625, "freezer": -18.0})
    equal(rig.driver.METRICS["freezer"], "°C")
    assert "freezer" not in DS18B20.METRICS


def test_ds18b20s_of_a_crowded_bus_are_all_found():
    chips = [Model(serial * 0x10F0F1) for serial in range(12)]
    for i, chip in enumerate(chips):
        chip.raw = i * 16
    readings = wire_rig(*chips).sample()
    equal(sorted([reading[1] for reading in readings]), [float(i) for i in range(12)])


def test_ds18b20_with_a_wrong_checksum_silences_no_other():
    good, bad = Model(0x1), Model(0x2)
    rig = wire_rig(good, bad)
    rig.sample()
    bad.damaged = 1
    readings = {reading[2]["rom"]: reading for reading in rig.sample()}
    equal(readings[good.rom.hex()][:2], ("temperature", 25.0625))
    metric, words = readings[bad.rom.hex()][:2]
    equal(metric, "temperature.status")
    assert bad.rom.hex() in words and "CRC" in words, words
    readings = rig.sample()
    equal([reading[:2] for reading in readings[:2]], [("temperature", 25.0625)] * 2)
    equal(readings[2:], [("temperature.status", "ok", {"rom": bad.rom.hex()})])
    equal(len(rig.sample()), 2)


def test_ds18b20_that_is_unplugged_is_missed_and_read_again_when_it_is_back():
    first, second = Model(0x1), Model(0x2)
    rig = wire_rig(first, second)
    rig.sample()
    rig.bus.remove(second)
    readings = {reading[0]: reading for reading in rig.sample()}
    equal(readings["temperature"][2], {"rom": first.rom.hex()})
    equal(readings["temperature.status"][2], {"rom": second.rom.hex()})
    assert "no answer" in readings["temperature.status"][1]
    equal([reading[0] for reading in rig.sample()], ["temperature"])  # it is told once
    rig.bus.attach(second)
    equal([reading[0] for reading in rig.sample()], ["temperature"] * 2 + ["temperature.status"])


def searches(rig, reads):
    """How many of so many reads look for new ones on the bus."""
    bus = rig.driver._bus
    scan, count = bus.scan, [0]

    def counted():
        count[0] += 1
        return scan()

    bus.scan = counted
    for _ in range(reads):
        rig.sample()
    bus.scan = scan
    return count[0]


def test_ds18b20_that_is_missed_is_not_looked_for_at_every_read():
    second = Model(0x2)
    for names in ({}, {second.rom.hex(): "freezer"}):
        rig = wire_rig(Model(0x1), second, names=names)
        rig.sample()
        rig.bus.remove(second)
        equal(searches(rig, 60), 2)  # after it is missed, and every 30 reads


def test_ds18b20_in_the_place_of_another_is_found_at_once():
    second = Model(0x2)
    rig = wire_rig(Model(0x1), second)
    rig.sample()
    rig.bus.remove(second)
    third = rig.bus.attach(Model(0x3))
    rig.sample()
    readings = rig.sample()
    equal([reading[0] for reading in readings], ["temperature"] * 2 + ["temperature.status"])
    equal(readings[2][1:], ("ok", {"rom": third.rom.hex()}))


def test_ds18b20_that_was_missed_ten_times_is_forgotten_unless_it_is_named():
    second, named = Model(0x2), Model(0x4)
    rig = wire_rig(Model(0x1), second, named, names={named.rom.hex(): "freezer"})
    rig.sample()
    rig.bus.remove(second)
    rig.bus.remove(named)
    for _ in range(9):
        rig.sample()
    equal(len(rig.driver._probes), 3)
    rig.sample()
    equal(sorted(rig.driver._probes), sorted([rig.chip.rom.hex(), named.rom.hex()]))
    # It is found again, and told to be well.
    rig.bus.attach(second)
    for _ in range(30):
        readings = rig.sample()
        if len(readings) > 1:
            break
    equal([reading[0] for reading in readings], ["temperature"] * 2 + ["temperature.status"])


def test_ds18b20_that_is_misread_now_and_then_is_not_forgotten():
    second = Model(0x2)
    rig = wire_rig(Model(0x1), second)
    rig.sample()
    probe = rig.driver._probes[second.rom.hex()]
    for _ in range(15):
        second.damaged = 1
        rig.sample()
        equal([reading[0] for reading in rig.sample()].count("temperature"), 2)
    assert rig.driver._probes[second.rom.hex()] is probe


def test_ds18b20s_of_a_bus_that_is_cut_off_are_not_forgotten():
    rig = wire_rig(Model(0x1), Model(0x2))
    rig.sample()
    chips, rig.bus.chips = rig.bus.chips, []
    for _ in range(12):
        with raises(SensorError, "no answer"):
            rig.sample()
    rig.bus.chips = chips
    equal([reading[0] for reading in rig.sample()], ["temperature"] * 2)


def test_ds18b20_that_is_named_but_was_never_there_is_missed():
    rig = wire_rig(Model(0x1), names={Model(0x2).rom.hex(): "freezer"})
    readings = {reading[0]: reading for reading in rig.sample()}
    equal(readings["temperature"][1], 25.0625)
    assert "no answer" in readings["freezer.status"][1]


def test_ds18b20_that_is_new_on_the_bus_is_found():
    rig = wire_rig(Model(0x1))
    rig.sample()
    rig.bus.attach(Model(0x2))
    for _ in range(30):
        readings = rig.sample()
    equal([reading[:2] for reading in readings[1:]],
          [("temperature", 25.0625), ("temperature.status", "ok")])  # fmt: skip


def test_ds18b20_bus_without_any_is_an_error_until_there_is_one():
    rig = wire_rig()
    with raises(SensorError, "no answer"):
        rig.sample()
    rig.bus.attach(Model())
    equal(rig.values(), {"temperature": 25.0625})


def test_ds18b20_bus_with_others_only_is_an_error():
    with raises(SensorError, "no thermometer"):
        wire_rig(Model(family=0x01)).sample()


def test_a_rom_id_that_was_misread_is_no_thermometer():
    chip = Model()
    chip.rom = chip.rom[:7] + bytes([chip.rom[7] ^ 1])
    with raises(SensorError, "no thermometer"):
        wire_rig(chip).sample()


def test_ds18b20s_value_at_power_on_is_refused():
    rig = wire_rig(Model())
    rig.chip.parasite = True
    with raises(SensorError, rig.chip.rom.hex(), "85.0"):
        rig.sample()


def test_ds18b20_on_a_shorted_wire_is_an_error():
    for family in (0x28, 0x10):
        rig = wire_rig(Model(family=family))
        rig.sample()
        rig.bus.shorted = True
        with raises(SensorError, "ground"):
            rig.sample()


def test_ds18b20_is_read_at_every_resolution():
    rig = wire_rig(Model())
    rig.sample()
    rig.chip.raw = 0x00AB  # 10.6875 °C
    for rig.chip.bits, temperature in ((0, 10.5), (1, 10.5), (2, 10.625), (3, 10.6875)):
        equal(rig.values(), {"temperature": temperature})


def test_ds18s20_is_read_to_a_sixteenth_of_a_degree():
    rig = wire_rig(Model(family=0x10))
    for rig.chip.raw in (401, 400, 399, 5, 4, 3, 0, -1, -5, -400):
        equal(rig.values()["temperature"], rig.chip.raw / 16)


def test_ds18b20_names_that_are_no_rom_ids_are_refused():
    for names in (["x"], "", {"28ff": "x"}, {"28ff641e0f16035z": "x"}, {"28ff641e0f160351": ""}):
        with raises(ValueError, "names"):
            DS18B20(None, names)


def test_dht22_gives_the_datasheets_examples():
    rig = dht_rig(models.dht.Model())
    equal(rig.values(), {"humidity": 65.2, "temperature": 35.1})
    rig.chip.temperature = -101
    equal(rig.values(), {"humidity": 65.2, "temperature": -10.1})


def test_dht22_whose_make_sends_twos_complement_is_read_as_well():
    rig = dht_rig(models.dht.Model())
    rig.chip.complement = True
    for rig.chip.temperature in (-1, -101, -400, 0, 800):
        equal(rig.values()["temperature"], rig.chip.temperature / 10)


def test_dht22_whose_make_sends_twos_complement_of_12_bits_is_read_as_well():
    rig = dht_rig(models.dht.Model())
    for tenths in (-1, -101, -255, -256, -400):
        for word in (0x1000 + tenths, 0x10000 + tenths, 0x8000 - tenths):
            rig.chip.raw = [2, 0x8C, word >> 8, word & 255]
            equal(rig.values()["temperature"], tenths / 10)
    for word in (0x0E6F, 0x7FFF, 0x8191, 0x8FFF, 0xFE6F, 0x0321):
        rig.chip.raw = [2, 0x8C, word >> 8, word & 255]
        with raises(SensorError, "no sense"):
            rig.sample()


def test_dht11_gives_the_datasheets_example():
    rig = dht_rig(models.dht.Model(dht11=True), model="dht11")
    rig.chip.raw = [0x35, 0, 0x18, 0]
    equal(rig.values(), {"humidity": 53.0, "temperature": 24.0})


def test_dht11_gives_tenths_and_the_sign_if_its_make_does():
    rig = dht_rig(models.dht.Model(dht11=True), model="dht11")
    for rig.chip.temperature in (247, 3, -4, -105, 0):
        equal(rig.values()["temperature"], rig.chip.temperature / 10)


def test_dht_is_not_read_more_often_than_it_bears():
    for dht11, model, min_interval_ms in ((False, "dht22", 2000), (True, "dht11", 1000)):
        rig = dht_rig(models.dht.Model(dht11), model=model)
        equal(rig.driver.INTERVAL_MS, min_interval_ms)
        # The model does not answer too early, nor right after power-on.
        for _ in range(3):
            rig.sample()


def test_dht_with_a_wrong_checksum_is_an_error():
    rig = dht_rig(models.dht.Model())
    rig.chip.damaged = 1
    with raises(SensorError, "dht22", "checksum"):
        rig.sample()
    equal(rig.values()["humidity"], 65.2)


def test_dht_that_is_absent_is_an_error_until_it_is_back():
    rig = dht_rig(models.dht.Model())
    rig.chip.present = False
    with raises(SensorError, "dht22: no answer"):
        rig.sample()
    rig.chip.present = True
    equal(rig.values()["humidity"], 65.2)


def test_dht_of_the_other_model_is_an_error():
    with raises(SensorError, "is it a dht11?"):
        dht_rig(models.dht.Model(dht11=True), model="dht22").sample()
    rig = dht_rig(models.dht.Model(), model="dht11")
    rig.bus.clock.advance(2000)
    with raises(SensorError, "is it a dht22?"):
        rig.sample()


def test_dht_values_beyond_its_range_are_an_error():
    rig = dht_rig(models.dht.Model())
    for rig.chip.humidity, rig.chip.temperature in ((1001, 0), (500, 801), (500, -401)):
        with raises(SensorError, "no sense"):
            rig.sample()
    for rig.chip.humidity, rig.chip.temperature in ((1000, 800), (0, -400)):
        rig.sample()


def test_dht_that_gives_only_zeros_is_an_error():
    rig = dht_rig(models.dht.Model())
    rig.chip.raw = [0, 0, 0, 0]
    with raises(SensorError, "zeros"):
        rig.sample()


def test_dht_model_that_does_not_exist_is_refused():
    with raises(ValueError, "model: 'dht12'", "dht22", "dht11"):
        DHT(None, model="dht12")


def test_a_fault_of_the_program_in_a_frozen_driver_stays_what_it_is():
    rig = wire_rig(Model())
    rig.sample()
    rig.bus.chips = None
    with raises(TypeError):
        rig.sample()
