"""The drivers, and what shapes their readings, compute on a board's floats what they do here.

An ESP32's floats are of single precision. Here a driver runs twice over chips in the same state: as
it is, and with each of its operations rounded to single precision, operands before the operation
too, as MicroPython on such a board converts ints.
"""

import ast
import importlib
import importlib.util
import operator
import random
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import models.gps
import models.hx711
from models import machine
from models.bus import I2C, Clock
from models.uart import UART
from plexus.readings.decimal import Decimal
from plexus.sensors import driver_class, pulses
from plexus.sensors.adc import ADC
from plexus.sensors.gps import GPS
from plexus.sensors.hx711 import HX711
from plexus.sensors.sampling.filters import Filters
from plexus.sensors.sampling.find import driver_names
from sensors import Rig
from tools.build import LIBRARY

BASES = {"driver"}  # what sensors are recognised by stays as it is
OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def single(value: Any) -> Any:
    """A float to the nearest of single precision; anything else as it is."""
    return struct.unpack("f", struct.pack("f", value))[0] if type(value) is float else value


def binary(name: str, left: Any, right: Any) -> Any:
    numbers = {type(left), type(right)} <= {int, float}
    if not numbers or (float not in (type(left), type(right)) and name != "truediv"):
        return single(getattr(operator, name)(left, right))
    return single(getattr(operator, name)(single(float(left)), single(float(right))))


def rounded(value: Any, digits: int | None = None) -> Any:
    # As MicroPython's round() does it: through a power of ten.
    if digits is None or type(value) is not float:
        return round(value) if digits is None else value
    power = single(10.0**digits)
    return single(float(round(single(single(value) * power))) / power)


class Rounding(ast.NodeTransformer):
    """Sends each operation of a module through `binary`, each call's result through `single`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if type(node.op) not in OPERATIONS:
            return node
        name = OPERATIONS[type(node.op)].__name__
        return _call("_binary", ast.Constant(name), node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        target: ast.expr
        if isinstance(node.target, ast.Name):
            target = ast.Name(node.target.id)
        elif isinstance(node.target, ast.Attribute) and isinstance(node.target.value, ast.Name):
            target = ast.Attribute(ast.Name(node.target.value.id), node.target.attr, ast.Load())
        else:
            return node
        if type(node.op) not in OPERATIONS:
            return node
        name = OPERATIONS[type(node.op)].__name__
        return ast.Assign([node.target], _call("_binary", ast.Constant(name), target, node.value))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "round":
            return _call("_rounded", *node.args)
        if isinstance(node.func, ast.Name) and node.func.id in ("super", "const"):
            return node
        return _call("_single", node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(single(node.value))


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name), list(arguments), [])


@contextmanager
def of_single_precision() -> Iterator[Callable[[str], Any]]:
    """Gives a function that loads a module of the sensors, its operations those of a board."""
    package = "plexus.sensors."
    before = {name: module for name, module in sys.modules.items() if name.startswith(package)}
    kept = {package + name for name in BASES}

    def load(name: str) -> Any:
        for found in [name for name in sys.modules if name.startswith(package)]:
            if found not in kept:
                del sys.modules[found]
        return importlib.import_module(package + name)

    finder = Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield load
    finally:
        sys.meta_path.remove(finder)
        for found in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[found]
        sys.modules.update(before)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the modules of plexus.sensors with their operations rounded."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if not fullname.startswith("plexus.sensors.") or not self._source(fullname).exists():
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: Any) -> None:
        source = self._source(module.__name__)
        tree = ast.fix_missing_locations(_loaded(Rounding().visit(ast.parse(source.read_text()))))
        module.__dict__.update(_binary=binary, _single=single, _rounded=rounded)
        exec(compile(tree, str(source), "exec"), module.__dict__)

    def _source(self, name: str) -> Path:
        return LIBRARY / (name.replace(".", "/") + ".py")


def _loaded(tree: Any) -> Any:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not hasattr(node, "ctx"):
            node.ctx = ast.Load()
    return tree


def readings(driver: Any, chip: Any, address: int) -> list[Any]:
    """What a driver reads of a chip in three measurements; an error's words in its place."""
    bus = I2C()
    bus.attach(chip, address)
    made = driver(bus, address)
    found: list[Any] = []
    for _ in range(3):
        try:
            for item in made.sample():
                if isinstance(item, int):
                    bus.clock.advance(item)
                else:
                    found.append(item[:2])
        except OSError as error:
            found.append(str(error))
        bus.clock.advance(made.INTERVAL_MS)
    return found


def differ(expected: Any, got: Any) -> bool:
    """By more than the last digit of what is expected, and what single precision can hold."""
    if isinstance(expected, dict):
        return expected.keys() != got.keys() or any(differ(expected[k], got[k]) for k in expected)
    if isinstance(expected, tuple | list):
        return len(expected) != len(got) or any(map(differ, expected, got))
    if not isinstance(expected, float):
        return expected != got
    digits = len(repr(round(expected, 9)).rpartition(".")[2])
    return abs(expected - got) > 1.01 * 10.0**-digits + 3e-7 * abs(expected)


@pytest.mark.parametrize("name", driver_names())
def test_readings_are_the_same_in_single_precision(name: str) -> None:
    model = importlib.import_module(f"models.{name}").Model
    double = driver_class(name)
    address = double.ADDRESSES[0]
    with of_single_precision() as load:
        load(name)
        board = driver_class(name)
        assert board is not double
        compared = 0
        for seed in range(60):
            chips = []
            for _ in range(2):
                chip = model()
                chip.vary(random.Random(seed))
                chips.append(chip)
            expected = readings(double, chips[0], address)
            got = readings(board, chips[1], address)
            assert not differ(expected, got), f"{expected}\n{got}"
            compared += len(expected)
        assert compared


def shaped(shape: Any, values: list[Any]) -> list[Any]:
    """What is sent of a series of values: None for what is not."""
    sent = [shape.shaped([("m", value)], 0) for value in values]
    return [readings[0][1] if readings else None for readings in sent]


def walk(chance: random.Random, start: int, maximum: int, digits: int, count: int) -> list[float]:
    """Values of so many decimals, each up to `maximum` units of the last from the one before."""
    numbers = [start]
    for _ in range(count - 1):
        numbers.append(numbers[-1] + chance.randrange(-maximum, maximum + 1))
    return [number / 10**digits for number in numbers]


@pytest.mark.parametrize("band", [0.1, 0.25, 0.5, 1, 0.03])
def test_a_deadband_lets_the_same_values_pass_in_single_precision(band: float) -> None:
    chance = random.Random(1)
    with of_single_precision() as load:
        board = load("sampling.filters").Filters
        for start in (2000, -150, 5, 101325, 98765):
            values = walk(chance, start, 30, 2, 300)
            expected = shaped(Filters(deadband=band), values)
            got = shaped(board(deadband=single(band)), [single(value) for value in values])
            assert [value is None for value in got] == [value is None for value in expected]
            assert None in expected and expected.count(None) < len(expected) - 2


def test_a_deadband_of_a_position_lets_the_same_pass_in_single_precision() -> None:
    chance = random.Random(2)
    with of_single_precision() as load:
        board = load("sampling.filters").Filters
        numbers = [1795000000 + chance.randrange(2000) for _ in range(300)]
        values = [{"lat": Decimal(number, 7)} for number in numbers]
        expected = shaped(Filters(deadband=0.0001), values)
        assert shaped(board(deadband=single(0.0001)), values) == expected
        assert expected.count(None) > 10


@pytest.mark.parametrize("average", [2, 60, 5000])
def test_a_mean_is_the_same_in_single_precision(average: int) -> None:
    chance = random.Random(3)
    with of_single_precision() as load:
        board = load("sampling.filters").Filters
        for start, maximum in ((2000, 5), (101325, 20), (-4000, 4000), (30000, 0)):
            values = walk(chance, start, maximum, 2, average)
            expected = shaped(Filters(average=average), values)[-1]
            got = shaped(board(average=average), [single(value) for value in values])[-1]
            mean = float(sum(map(Fraction, values)) / average)
            size = max(map(abs, values))
            assert abs(expected - mean) <= 5e-7 * size  # of 7 digits
            assert abs(got - mean) <= 6e-7 * size


def test_a_mean_of_whole_numbers_and_decimals_is_the_same_in_single_precision() -> None:
    chance = random.Random(4)
    with of_single_precision() as load:
        board = load("sampling.filters").Filters
        for top in (100, 1 << 24, 1 << 31):
            numbers = [chance.randrange(-top, top) for _ in range(100)]
            for values in (numbers, [Decimal(number, 7) for number in numbers]):
                expected = shaped(Filters(average=100), values)[-1]
                got = shaped(board(average=100), values)[-1]
                assert not differ(expected, got), f"{expected} {got}"
                assert type(got) is type(expected)


@pytest.mark.parametrize("per_unit", [1, 450, 4.5, 7.5, 0.2])
def test_a_count_of_pulses_is_the_same_in_single_precision(per_unit: float) -> None:
    with of_single_precision() as load, machine.Installed():
        found = []
        for module in (pulses, load("pulses")):
            now = [0]
            with mock.patch.object(module, "ticks_ms", lambda now=now: now[0]):
                driver = module.Pulses(machine.Pin(4), per_unit=single(per_unit), rate_per="hour")
                driver.read()
                driver._total = driver._rated = 123456789
                readings = []
                for _ in range(3):
                    now[0] += 10000
                    for level in (1, 0):
                        machine.Pin(4).drive(level)
                    readings += driver.read()
                driver.close()
                found.append([(metric, float(value), str(value)) for metric, value in readings])
        expected, got = found
        for (metric, value, text), (_, got_value, got_text) in zip(expected, got, strict=True):
            if metric == "count":
                assert got_text == text
            else:
                assert not differ(value, got_value)
        assert len({text for metric, _, text in got if metric == "count"}) == 3


def test_gps_reads_the_same_in_single_precision() -> None:
    with of_single_precision() as load:
        board = load("gps").GPS
        for seed in range(40):
            found = []
            for driver in (GPS, board):
                chip = models.gps.Model()
                chip.vary(random.Random(seed))
                bus = UART(chip, rxbuf=1024)
                found.append(dict(Rig(bus, chip, driver(bus)).sample()))
            expected, got = found
            assert not differ(expected, got), f"{expected}\n{got}"
            assert str(got["position"]["lon"]) == str(expected["position"]["lon"])


def test_the_boards_converter_reads_the_same_in_single_precision() -> None:
    with of_single_precision() as load, machine.Installed():
        board = load("adc").ADC
        for microvolts in range(1000, 3100000, 77777):
            machine.Pin(35).level_uv = microvolts
            for divider in (1.0, 2.0, 5.7):
                expected, got = (
                    driver(machine.Pin(35), divider=divider, samples=256).read()
                    for driver in (ADC, board)
                )
                assert not differ(expected, got), f"{expected}\n{got}"


def test_hx711_reads_the_same_in_single_precision() -> None:
    with of_single_precision() as load:
        board = load("hx711").HX711
        for seed in range(40):
            chance = random.Random(seed)
            tare, raw = chance.randrange(-100000, 100000), chance.randrange(-0x7FFFFF, 0x7FFFFF)
            found = []
            for driver in (HX711, board):
                with machine.Installed():
                    clock = Clock()
                    pins = machine.Pin(4), machine.Pin(5)
                    chip = models.hx711.Model(*pins, clock)
                    chip.raw[128] = raw
                    rig = Rig(mock.Mock(clock=clock), chip, driver(*pins, tare=tare, scale=0.0125))
                    found.append(rig.values()["weight"])
            expected, got = found
            assert not differ(expected, got), f"{expected}\n{got}"


def test_an_operation_in_which_a_board_loses_digits_is_seen() -> None:
    source = "def celsius(raw): return raw * 1.0 / 16 - 1048576 / 16\n"
    tree = ast.fix_missing_locations(_loaded(Rounding().visit(ast.parse(source))))
    names: dict[str, Any] = {"_binary": binary, "_single": single, "_rounded": rounded}
    exec(compile(tree, "", "exec"), names)
    raw = (1 << 26) + 1
    assert names["celsius"](raw) != raw / 16 - 1048576 / 16
