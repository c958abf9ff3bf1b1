"""Where the board profiles and the drivers are, and what the files of both say."""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
BOARDS = REPOSITORY / "boards"
SCHEMA = BOARDS / "schema.json"
DRIVERS = REPOSITORY / "lib" / "plexus" / "sensors"

Profile = dict[str, Any]
BUSES = ("i2c", "spi", "uart", "onewire")


class ProfileError(ValueError):
    """A file is not JSON, or has a key twice."""


def names() -> list[str]:
    """The boards' names, sorted."""
    return sorted(path.stem for path in BOARDS.glob("*.json") if path != SCHEMA)


def load(path: Path) -> Profile:
    """The JSON object of a file. ProfileError names the line."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ProfileError(f"line {error.lineno}: {error.msg}; write JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ProfileError(f"{twice!r} is there twice in one object; keep one")
    return found


def bus_names(profile: Profile, kind: str) -> list[str]:
    """The names of the profile's buses of a kind."""
    return [bus["name"] for bus in profile[kind]]


def known_buses(profile: Profile, kind: str) -> str:
    """The same in words."""
    return f"the board has {', '.join(bus_names(profile, kind)) or f'no {kind}'}"


@dataclass(frozen=True)
class Driver:
    """What a driver's source says of it.

    bus: its BUS. metrics, addresses: METRICS and ADDRESSES, as far as they are literals.
    needed: the constructor's parameters without a default, but for the bus or pin, which comes
    first; optional: the others with their defaults.
    """

    bus: str | None
    metrics: tuple[str, ...] = ()
    addresses: tuple[int, ...] = ()
    needed: tuple[str, ...] = ()
    optional: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        """The keywords that an entry may give, but for the address."""
        return [name for name in (*self.needed, *self.optional) if name != "address"]


def drivers(folder: Path = DRIVERS) -> dict[str, str | None]:
    """Each driver and the kind of its BUS."""
    return {name: driver.bus for name, driver in described(folder).items()}


def described(folder: Path = DRIVERS) -> dict[str, Driver]:
    """Each driver as its source has it: nothing of it is run.

    A driver is a class named after its file, as the device looks it up, that has METRICS or
    inherits them from another than the base of all.
    """
    classes: dict[str, _Class] = {}
    named: dict[str, str] = {}
    for path in sorted(folder.glob("[!_]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name] = _Class(node)
                if node.name.lower() == path.stem:
                    named[path.stem] = node.name
    found = {}
    for driver, name in named.items():
        lineage = list(_lineage(name, classes))
        if any("METRICS" in one.assigned and one.bases for one in lineage):
            found[driver] = _driver(lineage)
    return found


def _driver(lineage: list["_Class"]) -> Driver:
    def first(name: str) -> Any:
        values = (one.assigned.get(name) for one in lineage)
        return next((value for value in values if value is not None), None)

    parameters = next((one.parameters for one in lineage if one.parameters is not None), {})
    bus = first("BUS")
    # The bus or the pin is given by other keys of an entry.
    given = list(parameters)[: 0 if bus in (None, "pins") else 1]
    rest = {name: default for name, default in parameters.items() if name not in given}
    return Driver(
        bus,
        metrics=tuple(first("METRICS") or ()),
        addresses=tuple(first("ADDRESSES") or ()),
        needed=tuple(name for name, default in rest.items() if default is NEEDED),
        optional={name: default for name, default in rest.items() if default is not NEEDED},
    )


NEEDED = object()  # in place of a parameter's default: there is none


class _Class:
    """What a class says of itself: its bases, the values that it assigns, its constructor."""

    def __init__(self, node: ast.ClassDef):
        self.bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        self.assigned: dict[str, Any] = {}
        self.parameters: dict[str, Any] | None = None  # of the constructor, with their defaults
        for item in node.body:
            if isinstance(item, ast.Assign):
                names = [target.id for target in item.targets if isinstance(target, ast.Name)]
                self.assigned.update(dict.fromkeys(names, _value(item.value)))
            elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
                self.parameters = _parameters(item.args)


def _parameters(arguments: ast.arguments) -> dict[str, Any]:
    names = [argument.arg for argument in arguments.args[1:]]  # without self
    defaults = [_value(default) for default in arguments.defaults]
    return dict(zip(names, [NEEDED] * (len(names) - len(defaults)) + defaults, strict=True))


def _value(node: ast.expr) -> Any:
    """A literal's value, and that of tuple(range(a, b)); None for what has to be run."""
    match node:
        case ast.Call(
            func=ast.Name(id="tuple"),
            args=[
                ast.Call(
                    func=ast.Name(id="range"),
                    args=[ast.Constant(int(first)), ast.Constant(int(end))],
                )
            ],
        ):
            return tuple(range(first, end))
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _lineage(name: str, classes: dict[str, _Class]) -> Iterator[_Class]:
    """The class and those that it comes from, nearest first."""
    if name in classes:
        yield classes[name]
        for base in classes[name].bases:
            yield from _lineage(base, classes)
