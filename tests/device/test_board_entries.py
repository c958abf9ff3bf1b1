"""Entries of sensors with wrong values: each is one problem, and every other sensor goes on."""

from clients import client, right_clock
from models import bme280, machine
from models.bus import I2C
from support import FakeTicks, equal, raises

with machine.Installed():
    from plexus.board import Board
from plexus.sensors.sampling.configure import configure
from plexus.sensors.sampling.sampler import Sampler

TIMEOUT_S = 120

I2C_BUS = {"name": "i2c0", "id": 0, "scl": 22, "sda": 21, "freq_hz": 100000}
GOOD = {"driver": "system", "name": "good", "prefix": "good.", "interval_ms": 10}
ENTRIES = (
    {"driver": "system", "interval_ms": 10},
    {"driver": "bme280", "interval_ms": 10},
    {"driver": "digital", "pin": 4, "interval_ms": 10},
    {"driver": "hx711", "pins": {"data": 5, "clock": 6}, "interval_ms": 10},
)
WRONG = (None, True, False, 0, 5, -1, 1.5, "x", "", [], [1], ["x", "y"], {}, {"a": 1}, 10**20)
WRONG += (float("inf"), {"a": None}, {"a": [1]}, "x" * 300, "\ud83d")
KEYS = ("driver", "bus", "address", "pin", "pins", "interval_ms", "name", "prefix", "tags")
KEYS += ("calibration", "deadband", "average", "heartbeat_ms", "on_demand", "options")
KEYS += ("source", "note")
NESTED = (
    ("calibration", "uptime"),
    ("calibration", "uptime", "scale"),
    ("calibration", "uptime", "offset"),
    ("calibration", "uptime", "factor"),
    ("deadband", "uptime"),
    ("tags", "room"),
    ("options", "a"),
    ("options", "wifi"),
    ("options", "divider"),
    ("options", "oversampling"),
    ("options", "pull"),
    ("options", "debounce_ms"),
    ("options", "scale"),
    ("pins", "a"),
    ("pins", "data"),
    ("pins", "cs"),
)


class Bench:
    """A board with a good sensor beside that of an entry, and a client."""

    def __init__(self):
        machine.clear()
        bus = I2C()
        bus.attach(bme280.Model(), 0x76)
        machine.buses["i2c0"] = bus
        ticks = FakeTicks()
        self.advance = ticks.advance
        self.board = Board({"i2c": [I2C_BUS]})
        self.px = client("http://127.0.0.1:1/ingest", clock=right_clock(ticks), ring_bytes=4096)

    def fill(self, *entries):
        """The board's problems and the sampler."""
        sampler = Sampler(self.px)
        self.board.fill(sampler, entries, raises=False)
        return self.board.problems, sampler

    def sent(self, sampler, ticks=6):
        """The metrics that are sent as time passes."""
        metrics = []
        buffer = self.px.buffer
        buffer.listen(lambda metric, *_: metrics.append(metric))
        for _ in range(ticks):
            self.advance(20)
            sampler.tick()
        buffer.listen(None)
        return metrics


def with_value(entry, path, value):
    """A copy of the entry with this value at the path of keys."""
    changed = dict(entry)
    inner = changed
    for key in path[:-1]:
        inner[key] = dict(inner.get(key) or {})
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def check(bench, entry):
    problems, sampler = bench.fill(entry, GOOD)
    good = sampler.find("good")
    assert good, problems
    metrics = bench.sent(sampler)
    equal((good.status, good.failures), ("ok", 0))
    assert metrics.count("good.uptime") >= 5, metrics
    for problem in problems:
        bench.px.send("device.problem", problem[:256])
        assert problem.startswith("sensors[0].") and ": " in problem, problem
    assert len(problems) < 2, problems
    equal(len(sampler.channels) + len(problems), 2)


def check_all(paths):
    for entry in ENTRIES:
        bench = Bench()
        for path in paths:
            for value in WRONG:
                changed = with_value(entry, path, value)
                try:
                    check(bench, changed)
                except Exception as error:  # noqa: BLE001 -- it is told with the entry
                    raise AssertionError("%r: %r" % (changed, error))


def test_whatever_a_key_has_another_sensor_goes_on():
    check_all([(key,) for key in KEYS])


def test_whatever_a_nested_key_has_another_sensor_goes_on():
    check_all(NESTED)


def test_an_entry_that_is_no_object_is_a_problem():
    bench = Bench()
    for entry in WRONG:
        if isinstance(entry, dict):
            continue
        problems, sampler = bench.fill(entry, GOOD)
        assert len(problems) == 1 and problems[0].startswith("sensors[0].driver"), problems
        assert "good.uptime" in bench.sent(sampler)


def test_a_problem_names_the_key_and_the_remedy():
    bench = Bench()
    for key, value, *parts in (
        ("calibration", 2, "calibration: 2; give an object"),
        ("calibration", {"uptime": 2}, "calibration: 'uptime': 2; give scale, offset"),
        ("calibration", {"uptime": {"scale": float("inf")}}, "calibration: 'uptime'"),
        ("deadband", float("inf"), "deadband: inf; give a number"),
        ("options", 5, "options: 5; give an object"),
        ("options", {"a": 5}, "options: system: TypeError(", "docs/sensors.md"),
        ("pins", 5, "pins: 5; give an object"),
        ("pins", [1], "pins: [1]; give an object"),
        ("pins", {"cs": "x"}, "pins: 'cs': 'x'; give the number of a GPIO"),
        ("pins", {"cs": 99}, "pins: 'cs': 99; give the number of a GPIO"),
        ("prefix", 5, "prefix: 5; give a text of at most 64"),
        ("prefix", "x" * 300, "prefix: 'xxx", "give a text of at most 64"),
        ("prefix", "\ud83d", "prefix: half a surrogate"),
        ("name", 5, "name: 5; give a text"),
        ("tags", 5, "tags: a dict of strings, not int"),
        ("tags", {"room": 5}, "tag 'room': int; give a string"),
        ("address", 5, "unexpected keyword argument 'address'"),
    ):
        problems, _ = bench.fill({"driver": "system", key: value})
        assert len(problems) == 1, (key, value, problems)
        for part in parts:
            assert part in problems[0], (part, problems)


def test_a_key_without_a_value_counts_as_absent():
    bench = Bench()
    entry = dict.fromkeys(KEYS)
    entry["driver"] = "system"
    problems, sampler = bench.fill(entry)
    equal(problems, [])
    equal(sampler.channels[0].name, "system")
    assert "uptime" in bench.sent(sampler)


def test_a_drivers_own_failure_is_the_entrys():
    bench = Bench()
    entry = {"driver": "max31855", "options": {"cs": 5}}
    bench.board.profile["spi"] = [{"name": "spi1", "id": 1, "sck": 18, "mosi": 23, "miso": 19}]
    machine.buses["spi1"] = object()
    problems, _ = bench.fill(entry)
    assert "options: max31855: AttributeError(" in problems[0], problems
    with raises(ValueError, "options: max31855: AttributeError("):
        bench.board.sensor(entry)


def test_what_was_filled_is_changed_as_before():
    bench = Bench()
    _, sampler = bench.fill({"driver": "digital", "pin": 4, "name": "door", "prefix": "door."})
    configure(sampler.find("door"), {"prefix": "gate.", "invert": True})
    assert "gate.state" in bench.sent(sampler)
