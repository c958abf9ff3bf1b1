"""The board's own readings, on ports that have more or less of them."""

import gc
import sys

from models import machine
from plexus.port.host import ticks_diff
from plexus.sensors.system import System
from sensors import close
from support import FakeTicks, equal, only, raises


class Modules:
    """Within it, these modules can be imported; None: it cannot, whatever the port has."""

    def __init__(self, **modules):
        self._modules = modules

    def __enter__(self):
        self._before = {name: sys.modules.get(name) for name in self._modules}
        self._set(self._modules)

    def __exit__(self, *_):
        self._set(self._before)

    def _set(self, modules):
        for name in modules:
            if modules[name] is not None:
                sys.modules[name] = modules[name]
            elif name in sys.modules:
                del sys.modules[name]


class Esp32:
    """The module `esp32` of the first ESP32."""

    HEAP_DATA = 4

    def idf_heap_info(self, capabilities):
        equal(capabilities, self.HEAP_DATA)
        return [(7288, 1000, 900, 800), (15072, 2000, 1900, 1800), (113840, 30000, 2, 1)]

    def raw_temperature(self):
        return 128


class NewerEsp32:
    """The module `esp32` of a later chip."""

    def mcu_temperature(self):
        return 41


class Network:
    """The module `network`; the object is its WLAN as well."""

    STA_IF = 0
    connected = True
    made = 0

    def WLAN(self, interface):
        equal(interface, self.STA_IF)
        self.made += 1
        return self

    def isconnected(self):
        return self.connected

    def status(self, what):
        equal(what, "rssi")
        return -61


def values(driver):
    return dict(driver.read())


def test_system_gives_all_that_a_board_has():
    with machine.Installed(), Modules(esp32=Esp32(), network=Network()):
        machine.Pin(35).level_uv = 1950000
        got = values(System(battery=machine.Pin(35), divider=2.0))
    if hasattr(gc, "mem_free"):
        assert got.pop("heap_free") > 1000
    expected = {
        "idf_heap_free": 33000,
        "uptime": 0,
        "reset_cause": "pwron",
        "rssi": -61,
        "battery_voltage": 3.9,
    }
    close(got.pop("chip_temperature"), 53.3, 0.01)
    equal(got, expected)


def test_system_has_a_unit_for_all_that_it_yields():
    with machine.Installed(), Modules(esp32=Esp32(), network=Network()):
        got = values(System(battery=machine.Pin(35)))
    equal(set(System.METRICS) - set(got) - {"heap_free", "battery_voltage.status"}, set())
    equal(set(got) - set(System.METRICS), set())


def test_system_leaves_out_what_the_port_lacks():
    with Modules(machine=object(), esp32=object(), network=object()):
        got = values(System(battery=object()))
    got.pop("heap_free", None)
    equal(got, {"uptime": 0})


def test_system_leaves_out_what_a_module_that_is_missing_would_tell():
    # Neither interpreter has them here.
    with Modules(esp32=None, network=None):
        got = values(System())
    assert "idf_heap_free" not in got
    assert "rssi" not in got
    assert "chip_temperature" not in got


@only("micropython")
def test_system_gives_the_free_heap():
    before = gc.mem_free()
    got = values(System())["heap_free"]
    assert 0 < got <= before


def test_system_tells_each_reset_cause_by_name():
    for cause, name in (
        (1, "pwron"),
        (2, "hard"),
        (3, "wdt"),
        (4, "deepsleep"),
        (5, "soft"),
        (9, "9"),
    ):
        with machine.Installed():
            machine.state["cause"] = cause
            equal(values(System())["reset_cause"], name)


def test_system_tells_the_reset_cause_once():
    with machine.Installed():
        system = System()
        assert "reset_cause" in values(system)
        assert "reset_cause" not in values(system)


def test_system_gives_the_signal_only_while_connected():
    network = Network()
    with Modules(network=network):
        system = System()
        equal(values(system)["rssi"], -61)
        network.connected = False
        assert "rssi" not in values(system)


def test_system_leaves_out_a_signal_that_fails_just_then():
    network = Network()

    def status(what):
        raise OSError("WiFi not connected")

    network.status = status
    with Modules(network=network):
        got = values(System())
    assert "rssi" not in got
    assert "uptime" in got


def test_system_leaves_the_radio_alone_if_told():
    network = Network()
    with Modules(network=network):
        assert "rssi" not in values(System(wifi=False))
    equal(network.made, 0)


def test_system_gives_the_temperature_of_later_chips_as_they_do():
    with Modules(esp32=NewerEsp32()):
        equal(values(System())["chip_temperature"], 41)


def test_system_without_a_battery_has_no_metrics_of_one():
    for battery in (None, machine.Pin(35)):
        metrics = System(battery=battery).METRICS
        equal("battery_voltage" in metrics, battery is not None)
        equal("battery_voltage.status" in metrics, battery is not None)
        assert "uptime" in metrics


def test_system_refuses_options_that_make_no_sense():
    for options, words in (
        ({"divider": 0}, "divider: 0; give a number from 1 to 1000"),
        ({"divider": "2"}, "divider: '2'; give a number from 1 to 1000"),
        ({"wifi": "off"}, "wifi: 'off'; give True or False"),
    ):
        with raises(ValueError, words):
            System(**options)


def test_system_with_a_battery_that_cannot_be_measured_gives_all_else_and_says_so_once():
    with machine.Installed():
        pin = machine.Pin(35)
        pin.level_uv = 4000000
        system = System(battery=pin, divider=2.0)
        got = values(system)
        equal(got["uptime"], 0)
        words = got["battery_voltage.status"]
        assert "Pin(35)" in words and "beyond" in words, words
        assert "battery_voltage" not in got
        assert "battery_voltage.status" not in values(system)
        pin.level_uv = 2000000
        got = values(system)
        equal((got["battery_voltage"], got["battery_voltage.status"]), (4.0, "ok"))
        assert "battery_voltage.status" not in values(system)


def test_system_with_a_battery_at_a_pin_without_a_converter_gives_all_else():
    def refuse(pin):
        raise ValueError("invalid pin")

    with machine.Installed():
        converter, machine.ADC = machine.ADC, refuse
        try:
            equal(values(System(battery=machine.Pin(35)))["battery_voltage.status"], "invalid pin")
        finally:
            machine.ADC = converter


class BoardTicks(FakeTicks):
    """Within it the driver's time is the test's: ticks as a board has them."""

    def __enter__(self):
        self._module = sys.modules["plexus.sensors.system"]
        self._before = self._module.ticks_ms, self._module.ticks_diff
        self._module.ticks_ms, self._module.ticks_diff = self, ticks_diff
        return self

    def __exit__(self, *_):
        self._module.ticks_ms, self._module.ticks_diff = self._before


def test_system_uptime_counts_on_over_many_wraps_of_the_ticks():
    with BoardTicks(start_ms=(1 << 30) - 5) as ticks:
        system = System()
        for day in range(1, 61):
            for _ in range(24):
                ticks.advance(3600000)
                uptime = values(system)["uptime"]
            equal(uptime, day * 86400)


def test_system_uptime_loses_no_part_of_a_second():
    with BoardTicks() as ticks:
        system = System()
        for _ in range(100):
            ticks.advance(999)
            uptime = values(system)["uptime"]
        equal(uptime, 99)
