"""A board by its profile: its buses, sensors by their entries, and what a scan finds."""

import json
import sys

from models import aht20, bh1750, bme280, bmp280, machine, world
from models.bus import I2C
from readings import Client
from sensors import Rig
from support import equal, raises

with machine.Installed():
    from plexus.board import Board
from plexus.sensors.sampling.configure import configure
from plexus.sensors.sampling.sampler import Sampler

PROFILE = {
    "i2c": [
        {"name": "i2c0", "id": 0, "scl": 22, "sda": 21, "freq_hz": 400000},
        {
            "name": "i2c1",
            "id": 1,
            "scl": 5,
            "sda": 4,
            "freq_hz": 100000,
            "power_pin": {"pin": 7, "active": "low"},
        },
    ],
    "spi": [{"name": "spi1", "id": 1, "sck": 18, "mosi": 23, "miso": 19}],
    "uart": [{"name": "uart1", "id": 1, "tx": 17, "rx": 16}],
    "onewire": [{"name": "onewire0", "pin": 4}],
    "sensors": [],
}


class Bench:
    """A board with two I2C buses on which nothing is, and a sampler."""

    def __init__(self, sensors=(), profile=PROFILE):
        machine.clear()
        machine.buses.update({name: object() for name in ("spi1", "uart1")})
        self.buses = [I2C(), I2C()]
        machine.buses.update({"i2c0": self.buses[0], "i2c1": self.buses[1]})
        self.board = Board(dict(profile, sensors=list(sensors)))
        self.px = Client()
        self.sampler = Sampler(self.px)

    def fill(self, entries=None):
        return self.board.fill(self.sampler, entries)

    def channels(self):
        """(name, prefix, address, bus number) of each sensor that is read."""
        return [
            (c.name, c.prefix, c.sensor.address, self.buses.index(c.sensor.bus))
            for c in self.sampler.channels
            if hasattr(c.sensor, "address")
        ]


def refused(words, **entry):
    bench = Bench()
    with raises(ValueError, *words.split("|")):
        bench.fill([entry])
    equal(bench.sampler.channels, [])


# Buses


def test_buses_are_opened_with_the_profiles_pins_and_only_once():
    board = Bench().board
    assert board.bus("i2c", "i2c0") is board.bus("i2c") is board.bus("i2c", "i2c0")
    board.bus("spi")
    board.bus("uart")
    pins = [
        (name, {k: getattr(v, "id", v) for k, v in how.items()}) for name, how in machine.opened
    ]
    equal(
        pins,
        [
            ("i2c0", {"scl": 22, "sda": 21, "freq": 400000}),
            ("spi1", {"sck": 18, "mosi": 23, "miso": 19, "baudrate": 1000000}),
            ("uart1", {"tx": 17, "rx": 16, "baudrate": 9600, "rxbuf": 1024}),
        ],
    )
    equal(board.bus("onewire").id, 4)


def test_what_gives_a_bus_its_power_is_switched_on_first():
    board = Bench().board
    pin = machine.Pin(7)
    board.bus("i2c", "i2c0")
    equal(pin.mode, None)
    board.bus("i2c", "i2c1")
    equal((pin.mode, pin.value()), (machine.Pin.OUT, 0))


class Slept:
    """Within it, what board.py does and how long it sleeps: "pin 14" or "20 ms"."""

    def __enter__(self):
        self.events = []
        self._module = sys.modules["plexus.board"]
        self._before = self._module.sleep_ms
        self._module.sleep_ms = lambda ms: self.events.append("%d ms" % ms)
        return self

    def __exit__(self, *_):
        self._module.sleep_ms = self._before

    def watch(self, pin):
        machine.Pin(pin).watch = lambda level: self.events.append("pin %d: %d" % (pin, level))


def test_a_chip_gets_time_to_power_up_before_its_bus_is_opened():
    board = Bench().board
    machine.Pin(7).value(1)
    with Slept() as slept:
        slept.watch(7)
        board.bus("i2c", "i2c1")
    equal(slept.events, ["pin 7: 0", "20 ms"])


def test_a_bus_without_a_power_pin_is_not_waited_for():
    board = Bench().board
    with Slept() as slept:
        board.bus("i2c", "i2c0")
    equal(slept.events, [])


def test_a_bus_without_a_frequency_has_one_that_all_chips_bear():
    i2c = {"name": "i2c0", "id": 0, "scl": 22, "sda": 21}
    Bench(profile=dict(PROFILE, i2c=[i2c])).board.bus("i2c")
    equal(machine.opened[0][1]["freq"], 100000)


def test_how_long_a_chip_may_hold_the_clock_is_the_profiles():
    i2c = dict(PROFILE["i2c"][0], timeout_us=200000)
    Bench(profile=dict(PROFILE, i2c=[i2c])).board.bus("i2c")
    equal(machine.opened[0][1]["timeout"], 200000)


def test_the_selects_of_other_chips_on_a_bus_are_high_once_it_is_open():
    spi = dict(PROFILE["spi"][0], idle_high=[4, 5])
    board = Bench(profile=dict(PROFILE, spi=[spi])).board
    pins = machine.Pin(4), machine.Pin(5)
    equal([pin.mode for pin in pins], [None, None])
    board.bus("spi")
    equal([(pin.mode, pin.value()) for pin in pins], [(machine.Pin.OUT, 1)] * 2)


def test_buses_of_two_kinds_may_have_one_name():
    uart = dict(PROFILE["uart"][0], name="port")
    board = Bench(profile=dict(PROFILE, uart=[uart], onewire=[{"name": "port", "pin": 4}])).board
    assert board.bus("uart", "port") is machine.buses["uart1"]
    assert board.bus("onewire", "port") is machine.Pin(4)


def test_what_holds_the_power_is_switched_on_as_the_board_is_made():
    Bench()
    pin = machine.Pin(4)
    equal(pin.mode, None)
    Board(dict(PROFILE, hold={"pin": 4, "active": "high"}))
    equal((pin.mode, pin.value()), (machine.Pin.OUT, 1))
    Board(dict(PROFILE, hold={"pin": 4, "active": "low"}))
    equal(pin.value(), 0)


def test_a_bus_that_the_board_has_not_is_named_with_those_that_it_has():
    refused("sensors[0].bus: 'i2c7'|i2c0, i2c1", driver="bme280", bus="i2c7")


# Entries


def test_an_entry_makes_the_driver_with_its_options():
    bench = Bench()
    chip = bench.buses[1].attach(bme280.Model(), 0x77)
    entry = {
        "driver": "bme280",
        "bus": "i2c1",
        "address": 0x77,
        "interval_ms": 5000,
        "prefix": "lab.",
        "tags": {"room": "7"},
        "name": "roof",
        "options": {"oversampling": 4},
        "source": "schematic",
        "note": "on the lid",
    }
    equal(bench.fill([entry]), [])
    equal(bench.channels(), [("roof", "lab.", 0x77, 1)])
    (channel,) = bench.sampler.channels
    equal((channel.interval_ms, channel.tags), (5000, {"room": "7"}))
    Rig(bench.buses[1], chip, channel.sensor).sample()
    equal(chip.registers[0xF2], 3)  # 4 samples


def test_calibration_average_and_deadband_of_an_entry_are_the_samplers():
    bench = Bench()
    entry = {
        "driver": "bme280",
        "calibration": {"temperature": {"offset": 1}},
        "average": 2,
        "deadband": {"temperature": 0.5},
        "heartbeat_ms": 1000,
    }
    bench.fill([entry])
    filters = bench.sampler.channels[0].filters
    equal(filters.shaped([("temperature", 20)], 0), [])
    equal(filters.shaped([("temperature", 21)], 0), [("temperature", 21.5)])


def test_an_entry_on_demand_is_read_only_when_it_is_woken():
    bench = Bench()
    bench.fill([{"driver": "bme280", "on_demand": True}])
    (channel,) = bench.sampler.channels
    equal((channel.on_demand, channel.client), (True, None))
    refused("sensors[0].on_demand: 'no'", driver="bme280", on_demand="no")


def test_an_entrys_driver_is_made_again_with_other_options():
    bench = Bench()
    entry = {"driver": "bme280", "bus": "i2c1", "address": 0x77, "options": {"oversampling": 4}}
    bench.buses[1].attach(bme280.Model(), 0x77)
    bench.fill([entry])
    (channel,) = bench.sampler.channels
    configure(channel, {"oversampling": 16})
    equal(bench.channels(), [("bme280_77", "", 0x77, 1)])
    with raises(ValueError, "address: "):
        configure(channel, {"address": 0x76})
    equal(entry["options"], {"oversampling": 4})


def test_an_entrys_pins_are_no_options():
    bench = Bench()
    bench.fill(
        [{"driver": "digital", "pin": 27}, {"driver": "hx711", "pins": {"data": 4, "clock": 5}}]
    )
    digital, hx711 = bench.sampler.channels
    for channel, name in ((digital, "pin"), (hx711, "data"), (hx711, "clock"), (hx711, "pins")):
        with raises(ValueError, name + ": ", "configuration"):
            configure(channel, {name: 6})
    configure(hx711, {"gain": 64})
    configure(digital, {"invert": True})
    assert digital.sensor.pin is machine.Pin(27)
    assert hx711.sensor.data is machine.Pin(4)


def test_what_was_found_is_made_again_with_other_options():
    bench = Bench()
    bench.buses[0].attach(bme280.Model(), 0x77)
    bench.fill()
    channel = bench.sampler.find("bme280_77")
    configure(channel, {"oversampling": 16})
    equal(bench.channels(), [("bme280_77", "bme280_77.", 0x77, 0)])
    with raises(ValueError, "address: "):
        configure(channel, {"address": 0x76})


def test_the_boards_own_values_keep_the_batterys_pin():
    battery = {"pin": 34, "divider": 2.0}
    with machine.Installed():
        bench = Bench(profile=dict(PROFILE, battery=battery))
        machine.Pin(34).level_uv = 2000000
        bench.fill()
        channel = bench.sampler.find("board")
        configure(channel, {"divider": 3.0})
        with raises(ValueError, "battery: "):
            configure(channel, {"battery": 35})
        values = {reading[0]: reading[1] for reading in channel.sensor.read()}
    assert abs(values["battery_voltage"] - 6) < 0.01, values


def test_a_sensor_keeps_neither_the_board_nor_its_profile():
    board = Bench().board
    entry = {"driver": "bme280", "address": 0x77, "options": {"oversampling": 4}}
    held = [board.factory(entry)]
    for value in held:
        assert value is not board and value is not board.profile and value is not entry
        if isinstance(value, (tuple, dict)):
            held.extend(value.values() if isinstance(value, dict) else value)
        elif value is held[0]:
            held.extend(getattr(value, name) for name in dir(value) if name[:2] != "__")
    assert len(held) > 4


def test_a_driver_at_a_pin_gets_the_pin():
    bench = Bench()
    bench.fill(
        [{"driver": "digital", "pin": 27}, {"driver": "hx711", "pins": {"data": 4, "clock": 5}}]
    )
    digital, hx711 = [channel.sensor for channel in bench.sampler.channels]
    assert digital.pin is machine.Pin(27)
    assert hx711


def test_what_is_wrong_with_an_entry_is_named():
    refused("sensors[0].driver: missing", bus="i2c0")
    refused("sensors[0].driver: 'bme281'|docs/sensors.md", driver="bme281")
    refused("sensors[0].driver: 'find'", driver="find")
    refused("sensors[0].intervall_ms: unknown|interval_ms", driver="bme280", intervall_ms=5)
    refused("sensors[0].interval_ms: 0", driver="bme280", interval_ms=0)
    refused("sensors[0].address: 5", driver="bme280", address=5)
    refused("sensors[0].pin: missing", driver="digital")
    refused("sensors[0].options: bme280: ", driver="bme280", options={"speed": 1})
    refused("sensors[0].oversampling: 3", driver="bme280", options={"oversampling": 3})
    refused("sensors[0].average: 0", driver="bme280", average=0)


def test_a_wrong_entry_stops_no_other_where_that_is_asked_for():
    bench = Bench()
    entries = [{"driver": "bme281"}, {"driver": "bme280", "bus": "i2c0"}]
    bench.board.fill(bench.sampler, entries, raises=False)
    equal([channel.name for channel in bench.sampler.channels], ["bme280"])
    (problem,) = bench.board.problems
    assert problem.startswith("sensors[0].driver: 'bme281'"), problem


# What is found


def test_without_entries_all_that_a_scan_finds_is_read_under_its_drivers_name():
    bench = Bench()
    bench.buses[0].attach(bme280.Model(), 0x76)
    bench.buses[0].attach(bmp280.Model(), 0x77)
    bench.buses[0].attach(bh1750.Model(), 0x23)
    found = bench.fill()
    equal([f.driver for f in found], ["bh1750", "bme280", "bmp280"])
    equal(
        bench.channels(),
        [
            ("bh1750", "bh1750.", 0x23, 0),
            ("bme280", "bme280.", 0x76, 0),
            ("bmp280_77", "bmp280_77.", 0x77, 0),
        ],
    )


def test_a_chip_on_another_bus_than_the_first_has_the_buss_name_as_well():
    bench = Bench()
    for bus in bench.buses:
        bus.attach(bme280.Model(), 0x76)
    bench.fill()
    equal([channel[1] for channel in bench.channels()], ["bme280.", "bme280_i2c1."])


def test_what_nobody_knows_is_told_and_not_read():
    class Unknown:
        def write(self, data):
            pass

        def read(self, count):
            return bytes(count)

    bench = Bench()
    bench.buses[0].attach(Unknown(), 0x50)
    (found,) = bench.fill()
    equal((found.address, found.driver), (0x50, None))
    equal(bench.channels(), [])


def test_what_the_profile_says_is_something_else_is_asked_nothing():
    buses = [dict(PROFILE["i2c"][0], occupied=[0x38])]
    bench = Bench(profile=dict(PROFILE, i2c=buses))
    touch = bench.buses[0].attach(aht20.Model(), 0x38)
    equal(bench.fill(), [])
    equal(bench.channels(), [])
    assert touch and not bench.buses[0].log


def test_what_the_board_carries_is_read_as_its_profile_says_and_not_twice():
    bench = Bench([{"driver": "bme280", "bus": "i2c0", "prefix": "own."}])
    bench.buses[0].attach(bme280.Model(), 0x76)
    bench.buses[0].attach(bh1750.Model(), 0x23)
    bench.fill()
    equal([channel[1] for channel in bench.channels()], ["own.", "bh1750."])


class Broken:
    """A bus that cannot be scanned."""

    def scan(self):
        raise OSError(116)


def test_a_bus_that_cannot_be_scanned_is_told_and_stops_no_other():
    bench = Bench()
    machine.buses["i2c0"] = Broken()
    bench.buses[1].attach(bme280.Model(), 0x76)
    (found,) = bench.fill()
    equal(found.driver, "bme280")
    equal([channel[1] for channel in bench.channels()], ["bme280_i2c1."])
    (problem,) = bench.board.problems
    assert problem.startswith("i2c0: ") and "116" in problem, problem


def test_a_bus_that_cannot_be_opened_is_told_and_stops_no_other():
    bench = Bench()
    del machine.buses["i2c0"]
    bench.buses[1].attach(bme280.Model(), 0x76)
    (found,) = bench.fill()
    equal(found.driver, "bme280")
    equal(bench.board.problems, ["i2c0: i2c0 doesn't exist"])


def test_a_bus_that_is_well_again_is_no_problem_any_more():
    bench = Bench()
    machine.buses["i2c0"] = Broken()
    bench.fill()
    equal(len(bench.board.problems), 1)
    bench.board.fill(bench.sampler, [])
    equal(bench.board.problems, [])


class Radio:
    """The module `network`; the object is its WLAN as well."""

    STA_IF = 0
    made = 0

    def WLAN(self, interface):
        self.made += 1
        return self

    def isconnected(self):
        return True

    def status(self, what):
        return -61


def radio_use(profile):
    """How often the board's own values take a look at the radio."""
    bench = Bench(profile=profile)
    bench.fill()
    (channel,) = [c for c in bench.sampler.channels if c.name == "board"]
    radio = Radio()
    before = sys.modules.get("network")
    sys.modules["network"] = radio
    try:
        channel.sensor.read()
    finally:
        del sys.modules["network"]
        if before is not None:
            sys.modules["network"] = before
    return radio.made


def test_a_board_on_a_cable_leaves_the_radio_alone():
    equal(radio_use(PROFILE), 1)
    equal(radio_use(dict(PROFILE, ethernet={"phy": "lan8720"})), 0)


def test_the_batterys_divider_is_switched_on_before_it_is_read():
    battery = {"pin": 34, "divider": 2.0, "enable_pin": {"pin": 14, "active": "high"}}
    with machine.Installed():
        bench = Bench(profile=dict(PROFILE, battery=battery))
        machine.Pin(34).level_uv = lambda: 2000000 if machine.Pin(14).value() else 0
        bench.fill()
        (channel,) = [c for c in bench.sampler.channels if c.name == "board"]
        values = {reading[0]: reading[1] for reading in channel.sensor.read()}
    assert abs(values["battery_voltage"] - 4) < 0.01, values


def test_with_entries_nothing_else_is_read():
    bench = Bench([{"driver": "bme280", "bus": "i2c0"}])
    bench.buses[0].attach(bh1750.Model(), 0x23)
    equal(bench.fill([]), [])
    equal(bench.sampler.channels, [])


def test_the_simulated_boards_sensors_give_their_readings(simulated):
    there = world.build()
    board = Board(json.loads(simulated.profile))
    px = Client()
    sampler = Sampler(px)
    found = board.fill(sampler)
    equal([f.address for f in found], [0x23, 0x40, 0x68, 0x76])
    names = [channel.name for channel in sampler.channels]
    equal(len(names), len(board.profile["sensors"]))
    values = {}
    for channel in sampler.channels:
        for _ in range(3):
            for reading in channel.sensor.read():
                values[channel.prefix + reading[0]] = reading[1]
    assert 18 < values["temperature"] < 26, values
    assert 400 < values["illuminance"] < 800, values
    assert values["imu.acceleration"]["z"] > 9, values
    assert 30 < values["tank.temperature"] < 50, values
    assert abs(values["board.battery_voltage"] - 3.97) < 0.01, values
    assert "position" in values and "door.state" in values
    assert there.now_ms > 0
