"""The clock's and SNTP's arithmetic against exact models, its 31 bits, and its want of floats."""

import ast
import operator
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plexus import clock as clock_module
from plexus.clock import Clock, sntp, timekeeping
from support import FakeTicks

HALF_WRAP_MS = 1 << 29
MAX_RATE = 8388
EPOCH_US = st.integers(1577836800 * 10**6, 4233462143 * 10**6)  # 2020 to 2104
RATES = st.integers(-MAX_RATE, MAX_RATE)
SMALL_INT = 1 << 30
SIX_DAYS_MS = 6 * 86400000


def split_ms(clock: Clock, ticks: int) -> int:
    clock.split(ticks)
    assert 0 <= clock.lo < 10**6
    return clock.hi * 10**6 + clock.lo


@given(
    start_ms=st.integers(0, SMALL_INT - 1),
    epoch_us=EPOCH_US,
    rate=RATES,
    steps_ms=st.lists(st.integers(0, SIX_DAYS_MS), max_size=30),
    back_ms=st.integers(0, 10000),
)
def test_split_is_within_a_millisecond_of_the_exact_line(
    start_ms: int, epoch_us: int, rate: int, steps_ms: list[int], back_ms: int
) -> None:
    ticks = FakeTicks(start_ms)
    clock = Clock((), ticks=ticks, set_rtc=False)
    clock._anchor(ticks(), epoch_us, rate)

    def exact_ms(elapsed_ms: int) -> Fraction:
        return Fraction(epoch_us, 1000) + elapsed_ms * (1 + Fraction(rate, 1 << 24))

    elapsed_ms = 0
    for calls, step_ms in enumerate(steps_ms, start=1):
        within_ms = 1 + Fraction(2 * calls, 1000)  # a new anchor loses 2 us at most
        elapsed_ms += step_ms
        ticks.advance(step_ms)
        assert abs(split_ms(clock, ticks()) - exact_ms(elapsed_ms)) <= within_ms
        past = (ticks() - back_ms) % SMALL_INT
        if step_ms >= back_ms:
            assert abs(split_ms(clock, past) - exact_ms(elapsed_ms - back_ms)) <= within_ms


@given(
    start_ms=st.integers(0, SMALL_INT - 1),
    epoch_us=EPOCH_US,
    rate=RATES,
    elapsed_ms=st.integers(-10000, HALF_WRAP_MS - 1),
)
def test_split_and_now_ms_are_the_same_time(
    start_ms: int, epoch_us: int, rate: int, elapsed_ms: int
) -> None:
    ticks = FakeTicks(start_ms)
    clock = Clock((), ticks=ticks, set_rtc=False)
    clock._anchor(ticks(), epoch_us, rate)
    clock.known = True
    ticks.advance(elapsed_ms)
    now_ms = clock.now_ms()
    assert now_ms is not None
    assert split_ms(clock, ticks()) == now_ms


@given(
    start_ms=st.integers(0, SMALL_INT - 1),
    stamped_ms=st.integers(0, 10**10),
    epoch_us=EPOCH_US,
)
def test_shift_turns_any_early_stamp_into_the_right_date(
    start_ms: int, stamped_ms: int, epoch_us: int
) -> None:
    ticks = FakeTicks(start_ms)
    clock = Clock((), ticks=ticks, set_rtc=False)
    elapsed_ms = 0
    while elapsed_ms + SIX_DAYS_MS < stamped_ms:
        ticks.advance(SIX_DAYS_MS)
        elapsed_ms += SIX_DAYS_MS
        clock.due()
    ticks.advance(stamped_ms - elapsed_ms)
    before_ms = split_ms(clock, ticks())
    assert before_ms == stamped_ms
    told: list[tuple[int, int]] = []
    clock.on_shift = lambda hi, lo: told.append((hi, lo))
    assert clock.observe(epoch_us // 1000, ticks(), 1000, "http")
    ((hi, lo),) = told
    assert 0 <= lo < 10**6
    assert before_ms + hi * 10**6 + lo == epoch_us // 1000


@given(
    true_ppm=st.integers(-400, 400),
    hours=st.lists(st.integers(1, 48), min_size=1, max_size=10),
    errors_ms=st.lists(st.integers(-5, 5), min_size=11, max_size=11),
)
def test_drift_is_learned_to_what_the_answers_errors_allow(
    true_ppm: int, hours: list[int], errors_ms: list[int]
) -> None:
    start_us = 1700000000 * 10**6
    ticks = FakeTicks(123)
    clock = Clock((), ticks=ticks, set_rtc=False)
    local_ms = 0

    def true_us() -> int:
        return start_us + local_ms * 1000 + local_ms * true_ppm // 1000

    def hear(error_ms: int) -> None:
        step_us = true_us() + error_ms * 1000 - clock._micros(ticks())
        timekeeping.adopt(clock, step_us, ticks(), 5000, "ntp")

    hear(errors_ms[0])
    for interval_h, error_ms in zip(hours, errors_ms[1:], strict=False):
        ticks.advance(interval_h * 3600000)
        local_ms += interval_h * 3600000
        hear(error_ms)
    # An hour with the learned rate: two errors of 5 ms an hour apart are 2.8 ppm (10 ms an hour),
    # and the answer that it starts from has its own.
    ticks.advance(3600000)
    local_ms += 3600000
    assert abs(split_ms(clock, ticks()) - true_us() // 1000) <= 5 + 10 + 3


class Traced(int):
    """An int whose arithmetic stays of its class, and is watched; it refuses to become a float."""

    limit = 0

    def __new__(cls, value: int) -> "Traced":
        if cls.limit and not -cls.limit <= value < cls.limit:
            raise OverflowError(f"{value} is no small int of a 32-bit board")
        return super().__new__(cls, value)

    def __float__(self) -> float:
        raise TypeError("a time became a float")

    def __truediv__(self, other: object) -> float:
        raise TypeError("a time was divided to a float")

    __rtruediv__ = __truediv__
    __index__ = int.__index__

    def __divmod__(self, other: int) -> "tuple[Traced, Traced]":  # type: ignore[override]
        return type(self)(int(self) // other), type(self)(int(self) % other)


class Small(Traced):
    limit = SMALL_INT


def _closed(operation: Callable[[int, int], int], swapped: bool) -> object:
    def method(self: Traced, other: object) -> object:
        if isinstance(other, float):
            raise TypeError("a float met a time")
        if not isinstance(other, int):
            return NotImplemented
        one, two = (other, self) if swapped else (self, other)
        return type(self)(operation(int(one), int(two)))

    return method


for _name in ["add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"]:
    _operation = getattr(operator, {"and": "and_", "or": "or_"}.get(_name, _name))
    setattr(Traced, f"__{_name}__", _closed(_operation, swapped=False))
    setattr(Traced, f"__r{_name}__", _closed(_operation, swapped=True))
Traced.__neg__ = lambda self: type(self)(-int(self))  # type: ignore[method-assign,assignment]
Traced.__abs__ = lambda self: type(self)(abs(int(self)))  # type: ignore[method-assign,assignment]


@given(
    start_ms=st.integers(0, SMALL_INT - 1),
    epoch_us=EPOCH_US,
    rate=st.sampled_from((-MAX_RATE, -1, 0, 1, MAX_RATE)) | RATES,
    elapsed_ms=st.integers(-10000, HALF_WRAP_MS - 1),
)
def test_split_stays_within_the_small_ints_of_a_32_bit_board(
    start_ms: int, epoch_us: int, rate: int, elapsed_ms: int
) -> None:
    clock = Clock((), ticks=FakeTicks(start_ms), set_rtc=False)
    clock._anchor(start_ms, epoch_us, rate)
    plain = split_ms(clock, (start_ms + elapsed_ms) % SMALL_INT)
    clock._anchor(start_ms, epoch_us, rate)
    clock._base = tuple(Small(number) for number in clock._base)
    clock._anchor = lambda *line: None  # allocates by design, once in hours
    clock._micros = lambda ticks: 0
    clock.split(Small((start_ms + elapsed_ms) % SMALL_INT))
    assert type(clock.hi) is Small
    assert type(clock.lo) is Small
    assert int(clock.hi) * 10**6 + int(clock.lo) == plain


def test_no_float_takes_part_from_the_answer_to_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = FakeTicks(1000)
    true_us = Traced(1700000000 * 10**6)

    def measure(*_arguments: object) -> tuple[int, int, int]:
        return true_us, Traced(ticks()), Traced(2000)

    monkeypatch.setattr(timekeeping, "measure", measure)
    clock = Clock(("host",), ticks=lambda: Traced(ticks()), set_rtc=False)
    clock.sync()
    for _ in range(3):
        true_us += 3600 * 10**6 + 40000
        ticks.advance(3600000)
        clock.sync()
        clock.split(Traced(ticks()))
        assert isinstance(clock.now_ms(), Traced)
        assert isinstance(clock.error_ms, Traced)
        assert isinstance(clock.hi, Traced)
    assert clock._base[4] != 0, "the drift correction was not reached"
    ticks.advance(HALF_WRAP_MS - 1)
    assert clock.observe(clock._micros(ticks()) // 1000, Traced(ticks()), Traced(20), "http")


def test_no_float_takes_part_in_the_ntp_arithmetic() -> None:
    stamp = Traced((2208988800 + 1700000000 << 32) + 12345678)
    assert isinstance(sntp.unix_us(stamp), Traced)
    epoch_us, delay_us = sntp.solve(Traced(100000), Traced(5 * 10**6), Traced(5020000))
    assert isinstance(epoch_us, Traced)
    assert isinstance(delay_us, Traced)


def floats_in(source: str) -> list[str]:
    """What could make a float in this source."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(getattr(node, "op", None), ast.Div)
        or (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "time.time")
        or (isinstance(node, ast.Attribute) and node.attr in ("settimeout", "monotonic", "random"))
    ]


@pytest.mark.parametrize("module", [clock_module, timekeeping, sntp])
def test_source_has_nothing_that_makes_a_float(module: object) -> None:
    assert floats_in(Path(str(module.__file__)).read_text()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", ["a / b", "a /= b", "0.5", "float(a)", "time.time()"])
def test_the_search_for_floats_finds_them(source: str) -> None:
    assert floats_in(source)


@given(seconds=st.integers(2**31, 2**31 + 2**32 - 1), fraction=st.integers(0, 2**32 - 1))
def test_ntp_timestamps_become_unix_time_in_both_eras(seconds: int, fraction: int) -> None:
    exact_us = (seconds - 2208988800 + Fraction(fraction, 2**32)) * 10**6
    got_us = sntp.unix_us((seconds % 2**32 << 32) + fraction)
    assert 0 <= exact_us - got_us < 1


@given(
    sent_us=st.integers(0, SMALL_INT),
    there_us=st.integers(0, 10**6),
    held_us=st.integers(0, 10**5),
    back_us=st.integers(0, 10**6),
    offset_us=EPOCH_US,
)
def test_time_is_off_by_half_the_delay_at_most(
    sent_us: int, there_us: int, held_us: int, back_us: int, offset_us: int
) -> None:
    received_us = sent_us + there_us + held_us + back_us
    t2_us = sent_us + there_us + offset_us
    t3_us = t2_us + held_us
    epoch_us, delay_us = sntp.solve(received_us - sent_us, t2_us, t3_us)
    # RFC 4330 section 5: d = (T4 - T1) - (T3 - T2), t = ((T2 - T1) + (T3 - T4)) / 2
    exact_us = received_us + Fraction((t2_us - sent_us) + (t3_us - received_us), 2)
    assert delay_us == there_us + back_us
    assert 0 <= exact_us - epoch_us < 1
    assert abs(epoch_us - (received_us + offset_us)) <= Fraction(delay_us, 2) + 1
    if there_us == back_us:
        assert epoch_us == received_us + offset_us
