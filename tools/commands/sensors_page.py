"""The command `python -m tools sensors docs`: write what docs/sensors.md says of each driver."""

import argparse
import inspect
import sys
from typing import Any
from unittest.mock import MagicMock

from tools import pages
from tools.boards import profiles
from tools.build import LIBRARY, REPOSITORY, compiled

PAGE = REPOSITORY / "docs" / "sensors.md"
_DRIVERS = LIBRARY / "plexus" / "sensors"
_BUSES = {
    "i2c": "I2C",
    "spi": "SPI",
    "uart": "UART",
    "onewire": "one-wire",
    "pin": "GPIO",
    "pins": "GPIO",
    None: "none",
}
# What an example gives for a parameter without a default.
_GIVEN = {
    "bus": "i2c",
    "spi": "spi",
    "uart": "uart",
    "pin": "Pin(4)",
    "data": "Pin(4)",
    "clock": "Pin(16)",
    "cs": "Pin(5)",
}

# The metrics without a range, and why they have none.
UNBOUNDED = {
    "digital": {"state": "true or false"},
    "ds18b20": {"temperature.status": "a text"},
    "pulses": {"count": "it counts on", "rate": "that of whatever is counted"},
    "system": {
        "heap_free": "the memory's size",
        "idf_heap_free": "the memory's size",
        "uptime": "it counts on",
        "reset_cause": "a text",
        "battery_voltage": "that of [adc](#adc)",
        "battery_voltage.status": "a text",
    },
}


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("sensors", help="write the page of the sensor drivers")
    commands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    pages.add_docs(commands, PAGE, text)


def text() -> str:
    """What the page has to be."""
    return pages.text(PAGE, {"drivers": _overview, "each": _each})


def driver_names() -> list[str]:
    return sorted(profiles.drivers())


def load(name: str) -> Any:
    """The driver's class."""
    if str(LIBRARY) not in sys.path:
        sys.path.append(str(LIBRARY))
    from plexus.sensors import driver_class

    return driver_class(name)


def example(name: str) -> str:
    """The driver made in one line, with what its constructor needs."""
    driver = load(name)
    needed = [
        parameter
        for parameter in inspect.signature(driver).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    arguments = [
        _GIVEN[parameter.name] if number == 0 else f"{parameter.name}={_GIVEN[parameter.name]}"
        for number, parameter in enumerate(needed)
    ]
    return f"{driver.__name__}({', '.join(arguments)})"


def made(name: str) -> Any:
    """The driver as the example makes it, with nothing behind it."""
    names = {"i2c": MagicMock(), "spi": MagicMock(), "uart": MagicMock(), "Pin": MagicMock()}
    return eval(example(name), {**names, load(name).__name__: load(name)})


def ranges(driver: Any) -> dict[str, tuple[float, float]]:
    """The lowest and the highest value of each metric that has a range."""
    flat = driver.RANGES
    return {flat[i]: (flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)}


def _range(name: str) -> str:
    driver = made(name)
    parts = [
        f"{metric} {low:.10g} to {high:.10g}{_space(driver.METRICS[metric])}"
        for metric, (low, high) in ranges(driver).items()
        if metric in driver.METRICS
    ]
    words = []
    if parts:
        other = "" if driver.RANGES == load(name).RANGES else "; other options, another range"
        words.append(f"Range: {', '.join(parts)}{other}.")
    without = [f"{metric} ({reason})" for metric, reason in UNBOUNDED.get(name, {}).items()]
    if without:
        words.append(f"No range: {', '.join(without)}.")
    return " ".join(words)


def _space(unit: str) -> str:
    return f" {unit}" if unit else ""


def chips(name: str) -> str:
    """The chips that a driver reads, as the first line of its file names them."""
    first = (_doc(name).splitlines() or [""])[0]
    return first.partition(":")[0].rstrip(".")


def compiled_bytes(name: str) -> int:
    """The size of the driver's .mpy."""
    return len(compiled(_DRIVERS / f"{name}.py", "xtensawin"))


def _doc(name: str) -> str:
    return inspect.getdoc(inspect.getmodule(load(name))) or ""


def _unit(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _overview() -> str:
    rows = []
    for name in driver_names():
        driver = load(name)
        rows.append(
            [
                f"[`{name}`](#{name})",
                chips(name),
                _BUSES[driver.BUS],
                addresses(getattr(driver, "ADDRESSES", ())),
                ", ".join(f"{metric}{_unit(unit)}" for metric, unit in driver.METRICS.items()),
                f"{driver.INTERVAL_MS / 1000:g} s",
                f"{compiled_bytes(name):,} B",
            ]
        )
    head = ["Driver", "Chips", "Bus", "Addresses", "Metrics", "Read every", "Size"]
    return pages.table(head, rows)


def addresses(numbers: tuple[int, ...]) -> str:
    """Addresses in words: the usual one first, runs as a range."""
    if len(numbers) > 4 and sorted(numbers) == list(range(min(numbers), max(numbers) + 1)):
        return f"0x{min(numbers):02x} to 0x{max(numbers):02x}"
    return ", ".join(f"0x{number:02x}" for number in numbers)


def _each() -> str:
    parts = []
    for name in driver_names():
        driver = load(name)
        source = "\n".join(_doc(name).splitlines()[1:]).strip()
        words = inspect.getdoc(driver) or ""
        parts.append(
            f"### {name}\n\n"
            f"    from plexus.sensors.{name} import {driver.__name__}\n"
            f"    sampler.add({example(name)})\n\n"
            f"{words}\n\n{_range(name)}\n\n{source}\n"
        )
    return "\n".join(parts)
