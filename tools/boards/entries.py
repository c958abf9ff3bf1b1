"""The rules of a profile's sensor entries: each against its driver, and against the others."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from tools.boards.chips import Chip, ranges
from tools.boards.profiles import BUSES, Driver, Profile, bus_names, known_buses

_TAGGED = ("ds18b20",)  # its readings have tags of their own
_ELSEWHERE = ("lm75",)  # the PCT2075, one of its chips, has addresses that no other has


def rules(profile: Profile, chip: Chip, drivers: Mapping[str, Driver]) -> Iterator[str]:
    """Whatever is wrong with a profile's sensor entries; a pin's own rules are in check.py."""
    known: list[_Sensor] = []
    for i, entry in enumerate(profile["sensors"]):
        path, name = f"$.sensors[{i}]", entry["driver"]
        if name not in drivers:
            close = get_close_matches(name, drivers, 3, 0.5)
            hint = f"is it {' or '.join(close)}?" if close else "docs/sensors.md lists the drivers"
            yield f"{path}.driver: lib/plexus/sensors has no {name!r}; {hint}"
            continue
        sensor = _Sensor(path, entry, drivers[name], profile)
        yield from _connection(sensor, profile, chip)
        yield from _keywords(sensor)
        for other in known:
            yield from _pair(sensor, other)
        known.append(sensor)


class _Sensor:
    """An entry with its driver, and what follows from both."""

    def __init__(self, path: str, entry: dict[str, Any], driver: Driver, profile: Profile):
        self.path = path
        self.entry = entry
        self.name: str = entry["driver"]
        self.driver = driver
        self.options: dict[str, Any] = entry.get("options", {})
        buses = bus_names(profile, driver.bus) if driver.bus in BUSES else []
        self.bus = entry.get("bus", next(iter(buses), None))
        self.address = entry.get("address", next(iter(driver.addresses), None))

    def option(self, name: str) -> Any:
        """What the constructor gets, its own default if nothing else."""
        return self.options.get(name, self.driver.optional.get(name))

    @property
    def metrics(self) -> set[str]:
        """The names of its readings, with the prefix."""
        names = [self.option("metric")] if "metric" in self.driver.optional else self.driver.metrics
        return {self.entry.get("prefix", "") + name for name in names}


def _connection(sensor: _Sensor, profile: Profile, chip: Chip) -> Iterator[str]:
    path, name, entry = sensor.path, sensor.name, sensor.entry
    bus, kind, known = entry.get("bus"), sensor.driver.bus, frozenset(sensor.driver.addresses)
    if bus is None and kind in BUSES and not profile[kind]:
        yield f"{path}: {name} is on {kind}, and {known_buses(profile, kind)}; add one"
    elif bus is not None and kind in BUSES and bus not in bus_names(profile, kind):
        yield f"{path}.bus: no {kind} bus is named {bus!r}; {known_buses(profile, kind)}"
    elif bus is not None and kind not in BUSES:
        yield f"{path}.bus: {name} is on no bus; leave it out"
    if kind == "pin" and "pin" not in entry:
        yield f"{path}: {name} has no pin; add 'pin'"
    elif kind != "pin" and "pin" in entry:
        yield f"{path}.pin: {name} takes none; leave it out, or give it in pins"
    if "address" in entry and kind != "i2c":
        yield f"{path}.address: {name} is on no i2c bus; leave it out"
    elif "address" in entry and entry["address"] not in known and name not in _ELSEWHERE:
        yield f"{path}.address: {name} is never at {entry['address']}; give one of {ranges(known)}"
    if sensor.option("pull") and entry.get("pin") in chip.input_only:
        yield (
            f"{path}.pin: GPIO {entry['pin']} has no pull-up or -down on {profile['mcu']}; add "
            '"options": {"pull": null} and a resistor of your own'
        )


def _keywords(sensor: _Sensor) -> Iterator[str]:
    """Whether the driver's constructor takes what it is given."""
    has = ", ".join(sensor.driver.parameters) or "none"
    given = [*sensor.entry.get("pins", {}), *sensor.options]
    for key in ("pins", "options"):
        for keyword in sensor.entry.get(key, {}):
            if keyword not in sensor.driver.parameters:
                yield f"{sensor.path}.{key}.{keyword}: {sensor.name} has no such keyword: {has}"
            elif given.count(keyword) > 1:
                yield f"{sensor.path}.{key}.{keyword}: it is there twice; keep one"
    for keyword in sensor.driver.needed:
        if keyword not in given:
            yield f"{sensor.path}: {sensor.name} has no {keyword}; add it to pins"


def _pair(one: _Sensor, other: _Sensor) -> Iterator[str]:
    """What two sensors cannot both have."""
    if one.driver.bus == other.driver.bus and one.bus == other.bus:
        if one.driver.bus == "uart":
            yield f"{one.path}.bus: {one.bus} is {other.path}'s as well; a UART serves one"
        if one.driver.bus == "i2c" and one.address == other.address:
            yield (
                f"{one.path}.address: {one.address} on {one.bus} is {other.path}'s as well; give "
                "one another"
            )
    same = sorted(one.metrics & other.metrics)
    tags = one.entry.get("tags", {}) == other.entry.get("tags", {})
    if same and tags and one.name not in _TAGGED and other.name not in _TAGGED:
        yield f"{one.path}.prefix: {same[0]} is {other.path}'s as well; give one another prefix"
