"""Floats as decimals: the shortest that read back as the same float, in both precisions."""

import math
import random
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import corpus
from plexus.readings.render import float_text
from readings import Client, decimal

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.floats(allow_nan=False, allow_infinity=False, width=32)
POWERS = [math.ldexp(1.0, exponent) for exponent in range(-1074, 1024)]
# What sensors give, what single precision holds, what has the longest digits, and the borders.
SAMPLES = [
    *POWERS,
    *(math.nextafter(power, 0) for power in POWERS),
    *(math.nextafter(power, math.inf) for power in POWERS),
    *(10.0**exponent for exponent in range(-323, 309)),
    *(number / 10**places for places in range(10) for number in (1, 5, 99, 12345, 2**31 - 1)),
    *(number + 0.5 for number in range(0, 2**20, 997)),
]


def digits(text: str) -> str:
    """The significant digits of a decimal."""
    return "".join(map(str, Decimal(text).as_tuple().digits)).strip("0")


def single_text(value: float) -> str:
    """Shortest decimal that reads back as this single-precision float, nearest first: %.Ng."""
    for places in range(1, 10):
        text = f"{value:.{places}g}"
        if to_single(float(text)) == value:
            return text
    raise AssertionError(f"{value!r} is no single-precision float")


def to_single(value: float) -> float:
    """The single-precision float nearest to a double; half of the last place goes to even."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def check_double(value: float) -> None:
    text = float_text(value).decode()
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert len(digits(text)) == len(digits(repr(value)))
    # repr is the nearest of the shortest; so is ours, but for which of two at the same distance.
    off = abs(Fraction(text) - Fraction(value))
    assert off == abs(Fraction(repr(value)) - Fraction(value))
    assert "." in text or "e" in text, "it would be an int for the server"


def check_single(value: float) -> None:
    text = decimal(struct.pack("<f", value), True)
    assert to_single(float(text)) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert len(digits(text)) <= len(digits(single_text(value)))
    assert "." in text or "e" in text, "it would be an int for the server"


@settings(max_examples=3000)
@given(FINITE)
@example(2.0**-127)
@example(-0.0)
@example(5e-324)
@example(9.5e-323)
@example(2.2250738585072014e-308)
@example(1.7976931348623157e308)
@example(9007199254740993.0)
def test_double_has_the_shortest_digits_that_read_back(value: float) -> None:
    check_double(value)


def test_powers_of_two_and_simple_decimals_have_the_shortest_digits() -> None:
    for value in SAMPLES:
        check_double(value)
        check_double(-value)


def test_random_bits_have_the_shortest_digits() -> None:
    numbers = random.Random(1)
    for _ in range(40000):
        bits = numbers.getrandbits(64)
        (value,) = struct.unpack("<d", struct.pack("<Q", bits))
        if math.isfinite(value):
            check_double(value)


def test_random_decimals_have_the_shortest_digits() -> None:
    numbers = random.Random(2)
    for _ in range(40000):
        check_double(numbers.randrange(-(10**9), 10**9) / 10 ** numbers.randrange(10))
        check_double(numbers.uniform(-1000, 1000))


@settings(max_examples=3000)
@given(SINGLE)
@example(2.0**-127)
@example(2.0**-149)
@example(1.1754943508222875e-38)
@example(3.4028234663852886e38)
@example(-0.0)
@example(16777216.0)
@example(9.5367431640625e-07)
def test_single_has_the_shortest_digits_that_read_back(value: float) -> None:
    check_single(value)


def test_random_single_bits_have_the_shortest_digits() -> None:
    numbers = random.Random(3)
    for place in range(30000):
        # All exponents, then the subnormals.
        bits = numbers.getrandbits(32) & (0x807FFFFF if place % 10 == 0 else 0xFFFFFFFF)
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        if math.isfinite(value):
            check_single(value)


def test_single_powers_of_two_have_the_shortest_digits() -> None:
    for exponent in range(-149, 128):
        (bits,) = struct.unpack("<I", struct.pack("<f", math.ldexp(1.0, exponent)))
        for near in (bits - 1, bits, bits + 1):
            check_single(struct.unpack("<f", struct.pack("<I", near))[0])


@given(SINGLE)
def test_single_that_stands_for_a_double_has_the_doubles_digits(value: float) -> None:
    assert decimal(struct.pack("<f", value), False) == float_text(value).decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (1e-4, "0.0001"),
        (1.5e-5, "1.5e-5"),
        (1e-7, "1e-7"),
        (1e15, "1000000000000000.0"),
        (1.5e22, "1.5e22"),
        (-1e300, "-1e300"),
    ],
)
def test_notation(value: float, text: str) -> None:
    assert float_text(value).decode() == text


def test_power_of_two_with_the_exponent_of_a_single_zero_is_not_zero() -> None:
    check_double(2.0**-127)


def test_positional_notation_ends_at_10_to_the_16() -> None:
    assert b"e" not in float_text(math.nextafter(1e16, 0))
    assert b"e" in float_text(math.nextafter(1e16, math.inf))


@settings(max_examples=150)
@given(st.lists(FINITE | SINGLE | st.sampled_from(SAMPLES), min_size=1, max_size=50))
@example([2.0**-127, -0.0, 123456.789, 0.1, 1e-5, 3.4e38, 2345678.91, 99999.9999])
def test_float_comes_out_of_the_ring_as_it_went_in(values: list[float]) -> None:
    client = Client(ring_bytes=2048)
    for value in values:
        client.send("m", value)
    assert [repr(value) for value in client.values()] == [repr(value) for value in values]


@settings(max_examples=150)
@given(st.lists(SINGLE, min_size=1, max_size=50))
@example([2.0**-127, 2.0**-149, -0.0, 0.1, 13.999999046325684, 8388607.5, 16777216.0])
def test_single_comes_out_of_a_single_precision_boards_ring_as_it_went_in(
    values: list[float],
) -> None:
    values = [to_single(value) for value in values]
    corpus.set_precision(1)
    client = Client(ring_bytes=2048)
    for value in values:
        client.send("m", value)
    texts = client.value_texts()
    corpus.set_precision(0)
    assert [repr(to_single(float(text))) for text in texts] == [repr(value) for value in values]
