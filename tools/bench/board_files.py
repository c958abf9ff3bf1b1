"""What a board's benchmarks put on the board: the modules that they measure, and their programs."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from tools import build
from tools.artifacts import payload
from tools.bench.lab import FIRMWARE, PROGRAMS
from tools.commands import settings

DIRECTORY = "/plexus-bench"
# Tells, in one look, that all of it is there: it is written last.
SEAL = f"{DIRECTORY}/seal"
KEY = "plx_bench"
SENSORS = ("bme280", "mpu6050", "ds18b20", "system")
# A configuration with all that is usual; its network is not tried.
_CONFIG = {
    "api_key": KEY,
    "source_id": "bench-1",
    "wifi": [{"ssid": "bench", "password": "12345678"}],
    "sensors": [],
    "watchdog_s": 0,
    "led": False,
}
# What the firmware loads in place of a device, and never beside it.
_ELSE = (
    "firmware.setup.provisioning",
    "firmware.sleeper",
    "firmware.ethernet",
    "firmware.setup.portal",
)


def modules() -> list[str]:
    """What a device imports, in this order: "module", or "module:name" for what loads lazily."""
    order = _order()
    sensors = [f"plexus.sensors.{name}" for name in ("sampling.sampler", *SENSORS)]
    # firmware/main.py loads the first two, the last loads the others.
    loaded = _imports("firmware.device", ast.parse((FIRMWARE / "device.py").read_text()).body)
    firmware = [name for name in loaded if name.startswith("firmware.")]
    return [
        "plexus",
        *(f"plexus.{part}" for part in order[: order.index("client") + 1]),
        "plexus:Plexus",
        *sensors,
        "plexus.board",
        *dict.fromkeys(["firmware.supervisor", "firmware.start", *firmware, "firmware.device"]),
    ]


def files(arch: str) -> dict[str, bytes]:
    """Path and content of each file for a board of this architecture, but for the seal."""
    # As deploy brings them to a board without PSRAM.
    shipped = payload.library(arch, lines=False) | payload.program(arch, lines=False)
    found = {}
    for name in sorted(needed()):
        path = "/" + name.replace(".", "/")
        for end in (".mpy", "/__init__.mpy"):
            if f"/lib{path}{end}" in shipped:
                found[f"{DIRECTORY}{path}{end}"] = shipped[f"/lib{path}{end}"]
    for source in _programs():
        # They use names of the library that are not for programs, as a board has them.
        found[f"{DIRECTORY}/{source.stem}.mpy"] = build.compiled(source, arch, short=True)
    found[f"{DIRECTORY}/plexus.json"] = json.dumps(_CONFIG).encode()
    return found


def seal(wanted: dict[str, bytes]) -> bytes:
    """What the seal of these files holds."""
    digest = hashlib.sha256()
    for path, data in sorted(wanted.items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest().encode()


def needed() -> set[str]:
    """The modules of library and firmware that a device, or a program of ours, may ever load."""
    found: set[str] = set()
    waiting = [name.partition(":")[0] for name in modules()]
    waiting += [f"plexus.{part}" for part in _order()]
    for source in _programs():
        waiting += _imports(source.stem, ast.walk(ast.parse(source.read_text())))
    while waiting:
        name = waiting.pop()
        source = _source(name)
        if source is None or name in found or name in _ELSE:
            continue
        found.add(name)
        package = name if source.name == "__init__.py" else name.rpartition(".")[0]
        waiting.append(package)
        waiting += _imports(f"{package}.", ast.walk(ast.parse(source.read_text())))
    return found


def _imports(importer: str, nodes: Iterable[ast.AST]) -> list[str]:
    """The modules of ours that these nodes import, or name in a text, in this order."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importer.split(".")[: -node.level] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found += [name, *(f"{name}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            # As load("plexus", "url") names them, and load(__name__, "sweep").
            package = importer.rpartition(".")[0]
            found += [node.value, f"plexus.{node.value}", f"{package}.{node.value}"]
    return [name for name in found if _source(name)]


def _source(name: str) -> Path | None:
    root = {"plexus": build.LIBRARY, "firmware": FIRMWARE.parent}.get(name.partition(".")[0])
    if root is None or not all(part.isidentifier() for part in name.split(".")):
        return None
    path = root / name.replace(".", "/")
    for source in (path.with_suffix(".py"), path / "__init__.py"):
        if source.is_file():
            return source
    return None


def _programs() -> Iterator[Path]:
    yield from sorted(PROGRAMS.glob("board_*.py"))


def _order() -> list[str]:
    """What the package loads for its names, in the order of its own table."""
    settings.find_library()
    import plexus

    package: ModuleType = plexus
    return vars(package)["_ORDER"].split()
