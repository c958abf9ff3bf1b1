"""Decimal: numbers with more digits than a board's float."""

from plexus.readings.decimal import Decimal
from support import equal


def test_a_decimal_is_written_exactly():
    for number, digits, text in (
        (472852332, 7, "47.2852332"),
        (-1799999999, 7, "-179.9999999"),
        (-5, 7, "-0.0000005"),
        (85652650, 7, "8.565265"),
        (1800000000, 7, "180"),
        (100, 0, "100"),
        (0, 7, "0"),
    ):
        equal(str(Decimal(number, digits)), text)


def test_a_decimal_is_a_part_of_an_object_that_can_be_sent():
    from plexus.readings.compound import compound_text

    equal(compound_text({"lat": Decimal(-1799999999, 7)}), b'{"lat":-179.9999999}')


def test_the_difference_of_decimals_loses_no_digits():
    equal(Decimal(1799999999, 7) - Decimal(1799999998, 7), 1e-7)
    equal(abs(Decimal(472852332, 7) - 47) < 0.3, True)
    equal(float(Decimal(25, 1)), 2.5)


def test_a_decimal_can_be_had_with_more_digits():
    equal(Decimal(-25, 1).scaled(3), -2500)
    equal(Decimal(1799999999, 7).scaled(7), 1799999999)


def test_decimals_are_equal_if_their_numbers_are():
    assert Decimal(10, 1) == Decimal(1, 0)
    assert Decimal(10, 1) != Decimal(11, 1)
    assert Decimal(25, 1) == 2.5
