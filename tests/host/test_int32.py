"""The inner loops keep to 32-bit ints and to their arrays: what viper on a board does not check.

The machine code of a 32-bit board drops what does not fit, and reads and writes wherever an index
points. Here the same source runs with every result, index and stored number looked at.
"""

import ast
import builtins
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import corpus
import plexus.readings.ring as kernel
from plexus.clock import Clock
from readings import Client
from support import FakeTicks

MAX_RATE = 8388  # of a clock, in 2^-24: 500 ppm
SOURCE = Path(kernel.__file__).with_name("codec.py")


class OutOfBounds(Exception):
    """The kernel left the ints or the memory that it has on a board."""


def int32(value: int, what: str) -> int:
    if not -(1 << 31) <= value < 1 << 31:
        raise OutOfBounds(f"{what} is {value}, which is no signed 32-bit int")
    return value


def item(sequence: Any, index: int, what: str) -> Any:
    if not 0 <= index < len(sequence):
        raise OutOfBounds(f"{what}: index {index} of {len(sequence)}")
    return sequence[index]


def store(sequence: Any, index: int, value: int, what: str) -> None:
    item(sequence, index, what)
    if value < 0:
        raise OutOfBounds(f"{what} = {value}: a 64-bit viper reads it back as a positive number")
    if isinstance(sequence, array):
        int32(value, what)
    sequence[index] = value


def divisible(dividend: int, divisor: int, what: str) -> None:
    if dividend < 0 or divisor <= 0:
        raise OutOfBounds(f"{what}: {dividend} by {divisor}; C and Python divide those differently")


def shiftable(count: int, what: str) -> None:
    if not 0 <= count < 32:
        raise OutOfBounds(f"{what}: shifted by {count}")


class Watch(ast.NodeTransformer):
    """Puts every operation, index and store of the source under the checks above."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        what = ast.Constant(f"line {node.lineno}: {ast.unparse(node)}")
        name = {
            ast.FloorDiv: "divide",
            ast.Mod: "remainder",
            ast.LShift: "left",
            ast.RShift: "right",
        }.get(type(node.op))
        self.generic_visit(node)
        if name:
            return self._call(name, node.left, node.right, what)
        return self._call("int32", node, what)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        what = ast.Constant(f"line {node.lineno}: {ast.unparse(node)}")
        self.generic_visit(node)
        return node if isinstance(node.op, ast.Not) else self._call("int32", node, what)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        load = ast.parse(ast.unparse(node.target), mode="eval").body
        plain = ast.Assign([node.target], ast.BinOp(load, node.op, node.value))
        for inner in ast.walk(plain):
            ast.copy_location(inner, node)
        return self.visit(plain)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        (target,) = node.targets
        if not isinstance(target, ast.Subscript):
            return self.generic_visit(node)  # type: ignore[return-value]
        what = ast.Constant(f"line {node.lineno}: {ast.unparse(target)}")
        value, index, sequence = map(self.visit, (node.value, target.slice, target.value))
        return ast.Expr(self._call("store", sequence, index, value, what))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        what = ast.Constant(f"line {node.lineno}: {ast.unparse(node)}")
        self.generic_visit(node)
        return self._call("item", node.value, node.slice, what)

    @staticmethod
    def _call(name: str, *arguments: ast.expr) -> ast.expr:
        return ast.Call(ast.Name(f"_watched_{name}", ast.Load()), list(arguments), [])


def divide(dividend: int, divisor: int, what: str) -> int:
    divisible(dividend, divisor, what)
    return dividend // divisor


def remainder(dividend: int, divisor: int, what: str) -> int:
    divisible(dividend, divisor, what)
    return dividend % divisor


def left(value: int, count: int, what: str) -> int:
    shiftable(count, what)
    return int32(value << count, what)


def right(value: int, count: int, what: str) -> int:
    shiftable(count, what)
    return value >> count


def watched(source: str) -> SimpleNamespace:
    """The functions of the kernel's source, with everything checked."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.body = [Watch().visit(statement) for statement in node.body]
    ast.fix_missing_locations(tree)
    checks = (int32, item, store, divide, remainder, left, right)
    names: dict[str, Any] = {f"_watched_{check.__name__}": check for check in checks}
    names["__name__"] = "plexus.readings._watched"
    names["__builtins__"] = vars(builtins) | {"ptr8": lambda x: x, "ptr32": lambda x: x}
    exec(compile(tree, str(SOURCE), "exec"), names)
    return SimpleNamespace(**{name: names[name] for name in ("append", "digits", "walk")})


@pytest.fixture(scope="module", autouse=True)
def checked_kernel() -> Iterator[None]:
    """The watched functions, wherever a module of plexus has those of the kernel."""
    functions = watched(SOURCE.read_text())
    replaced = set()
    with pytest.MonkeyPatch.context() as patch:
        for module in [sys.modules[name] for name in sys.modules if name.startswith("plexus.")]:
            for name, function in vars(functions).items():
                if module is not kernel and getattr(module, name, None) is getattr(kernel, name):
                    patch.setattr(module, name, function)
                    replaced.add(name)
        assert replaced == {"append", "digits", "walk"}
        yield


@pytest.mark.parametrize("single", [0, 1])
@pytest.mark.parametrize("seed", [10, 20, 30])
def test_random_readings_stay_within_32_bits(seed: int, single: int) -> None:
    corpus.run(seed, 3000, single)


def test_random_floats_stay_within_32_bits() -> None:
    corpus.floats(40, 3000)


TIME_MS = st.integers(0, 10**15 - 1) | st.sampled_from([0, 1, 10**15 - 1, 10**12, 10**12 - 1])
NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(2**31), 2**31)


@settings(max_examples=150)
@given(
    start_ms=TIME_MS,
    readings=st.lists(
        st.tuples(
            TIME_MS | st.integers(-201_000_000, 201_000_000), st.booleans(), st.booleans(), NUMBER
        ),
        min_size=1,
        max_size=20,
    ),
    single=st.booleans(),
)
def test_any_times_and_values_stay_within_32_bits(
    start_ms: int, readings: list[tuple[int, bool, bool, float]], single: bool
) -> None:
    corpus.set_precision(int(single))
    client = Client(ring_bytes=4096, now_ms=start_ms)
    now_ms = start_ms
    for step_ms, jump, explicit, value in readings:
        now_ms = min(max(step_ms if jump else now_ms + step_ms, 0), 10**15 - 1)
        if explicit:
            oldest_s = 1577836800  # 2020
            given = now_ms if now_ms >= oldest_s * 1000 else oldest_s + now_ms // 1000
            client.send("m", value, timestamp=given)
        else:
            client.clock.now_ms = now_ms
            client.send("m", value)
    assert len(client.points()) == len(readings)
    corpus.set_precision(0)


@settings(max_examples=300)
@given(
    anchor=st.integers(0, (1 << 30) - 1),
    epoch_us=st.integers(1577836800 * 10**6, 4233462143 * 10**6) | st.integers(0, 10**12),
    rate=st.sampled_from([-MAX_RATE, 0, MAX_RATE]) | st.integers(-MAX_RATE, MAX_RATE),
    elapsed_ms=st.integers(-100000, (1 << 29) - 1) | st.just((1 << 29) - 1),
)
def test_reading_has_the_time_that_the_clock_tells(
    anchor: int, epoch_us: int, rate: int, elapsed_ms: int
) -> None:
    ticks = FakeTicks(anchor)
    clock, same = (Clock((), ticks=ticks, set_rtc=False) for _ in range(2))
    clock._anchor(anchor, epoch_us, rate)
    same._anchor(anchor, epoch_us, rate)
    ticks.advance(elapsed_ms)
    same.split(ticks())
    assume(same.hi >= 0)
    client = Client(clock=clock)
    client.send("m", 1)
    client.send("m", ["not the way of numbers"])
    for point in client.points():
        unit = 1 if same.hi >= 10**6 else 1000  # of a time before 2001: it is in seconds
        assert round(point["timestamp"] * unit) == same.hi * 10**6 + same.lo


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("x = a * a", "no signed 32-bit"),
        ("x = a << 1", "no signed 32-bit"),
        ("a += 2147483647", "no signed 32-bit"),
        ("x = -a // 2", "divide"),
        ("c[0] = -1", "positive number"),
        ("x = c[-1]", "index -1"),
        ("c[9] = 1", "index 9"),
        ("x = 1 >> a", "shifted"),
    ],
)
def test_the_check_sees_what_a_board_would_not(statement: str, words: str) -> None:
    body = f"def append(c, a):\n    {statement}\ndigits = walk = append\n"
    with pytest.raises(OutOfBounds, match=words):
        watched(body).append(array("i", [0] * 9), 0x7FFFFFFF)
