"""The table of the scan and the page of the drivers are those of the drivers."""

from typing import Any

import pytest

from models import machine
from plexus.sensors import driver_class
from plexus.sensors.sampling import find
from tools.boards import profiles
from tools.commands import sensors_page

DRIVERS = profiles.drivers()
I2C = [name for name, bus in DRIVERS.items() if bus == "i2c"]


@pytest.fixture
def board() -> Any:
    with machine.Installed():
        yield machine


@pytest.mark.parametrize("name", I2C)
def test_the_scan_knows_the_driver_at_each_of_its_addresses_and_no_others(name: str) -> None:
    known = [
        address
        for addresses, names in find._DRIVERS.items()
        for address in addresses
        if name in names.split()
    ]
    assert sorted(known) == sorted(driver_class(name).ADDRESSES)


def test_the_scan_asks_no_driver_that_is_not_there() -> None:
    assert find.driver_names() == sorted(I2C)


def test_the_page_is_that_of_today() -> None:
    assert sensors_page.PAGE.read_text(encoding="utf-8") == sensors_page.text(), (
        "docs/sensors.md is stale: .venv/bin/python -m tools sensors docs"
    )


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_says_what_it_reads_and_how_often(name: str, board: Any) -> None:
    driver = driver_class(name)
    assert driver.__doc__.startswith("Yields "), "the class says what read() gives"
    assert driver.METRICS, "METRICS names each metric and its unit"
    assert 1 <= driver.INTERVAL_MS <= 86_400_000
    assert driver.BUS in ("i2c", "spi", "uart", "onewire", "pin", "pins", None)


@pytest.mark.parametrize("name", DRIVERS)
def test_each_metric_has_a_range_or_a_reason_to_have_none(name: str, board: Any) -> None:
    driver = sensors_page.made(name)
    ranges = sensors_page.ranges(driver)
    without = sensors_page.UNBOUNDED.get(name, {})
    metrics = set(driver_class(name).METRICS) | set(driver.METRICS)
    missing = metrics - set(ranges) - set(without)
    # An ADS1115 has as many channels as it is told.
    assert not missing or name == "ads1115", f"{missing}: give it a range in RANGES"
    assert set(driver.METRICS) <= set(ranges) | set(without)
    assert not set(without) & set(ranges)
    assert set(without) <= metrics
    for low, high in ranges.values():
        assert low < high


@pytest.mark.parametrize("name", DRIVERS)
def test_the_example_on_the_page_makes_a_driver(name: str, board: Any) -> None:
    given = {"i2c": object(), "spi": object(), "uart": object(), "Pin": machine.Pin}
    made = eval(
        sensors_page.example(name), {**given, driver_class(name).__name__: driver_class(name)}
    )
    assert isinstance(made, driver_class(name))
