"""The floors of the house: no room imports from one above it, and docs/architecture.md shows it.

A folder is a room; what lies beside the folders is a room by its own name, or with others. Types
count as well, and modules that are loaded by name.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import pages
from tools.build import LIBRARY, REPOSITORY

# From the lowest up. What stands in one line is one floor, whose rooms know nothing of each other.
FLOORS = {
    "plexus": """
        port
        url options
        readings clock
        tls
        delivery websocket
        store
        sensors
        client assemble extras explain
        board agent
    """,
    "firmware": """
        atomic_json aside redact repl watchdog lights report device_status button
        rtc_memory recorder wake_store wifi_reasons wifi_scan probe profile
        traceback_text config interface
        crashes wifi ethernet rtc_time wake_delivery
        setup factory uploader device_commands
        device sleeper
        start
        supervisor
        main
    """,
    "tools": """
        pages build_cache time_server fault_proxy
        short_names
        build
        boards mock_server
        artifacts
        board_link
        commands demo soak
        bench
    """,
}
# One room, though there is no folder round it: an import of a folder costs a board's RAM.
CLIENT = ("assemble", "extras", "explain")
SOURCES = {
    "plexus": LIBRARY / "plexus",
    "firmware": REPOSITORY / "firmware",
    "tools": REPOSITORY / "tools",
}
# They run everything, or hand on what others have.
TOP = {
    "plexus": ("__init__",),
    "firmware": ("__init__", "boot", "manifest"),
    "tools": ("__init__", "__main__"),
}
LOADERS = ("load", "load_once", "load_native")
DEVICE_PROGRAMS = "device"
PAGE = REPOSITORY / "docs" / "architecture.md"


def floor_of(package: str) -> dict[str, int]:
    """Each room and the number of its floor."""
    lines = FLOORS[package].split("\n")
    floors = [line.split() for line in lines if line.strip()]
    return {room: number for number, rooms in enumerate(floors) for room in rooms}


def room_of(package: str, module: str) -> str:
    """The room of a module by its full name, "" for the package itself."""
    names = module.split(".")
    room = names[1] if len(names) > 1 else ""
    return "client" if package == "plexus" and room in CLIENT else room


def modules(package: str) -> dict[str, list[Path]]:
    """The files of each module, its types among them."""
    found: dict[str, list[Path]] = {}
    root = SOURCES[package]
    for path in sorted(root.rglob("*.py*")):
        names = path.relative_to(root).with_suffix("").parts
        if path.suffix in (".py", ".pyi") and DEVICE_PROGRAMS not in names[1:-1]:
            names = names[:-1] if names[-1] == "__init__" else names
            found.setdefault(".".join((package, *names)), []).append(path)
    return found


def named_in(path: Path, module: str, loads: bool = True) -> Iterator[str]:
    """What a file imports, by full names; a name from a module is one, too.

    loads: also what it has loaded when it is needed.
    """
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")
            base = base[: len(base) + 1 - node.level] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif loads and isinstance(node, ast.Call) and getattr(node.func, "id", "") in LOADERS:
            match node.args:
                case [ast.Constant(str(near)), ast.Constant(str(name)), *_]:
                    yield f"{near}.{name}"
                case [ast.Name("__name__"), ast.Constant(str(name)), *_]:
                    yield f"{package}.{name}"


def imports(package: str, loads: bool = True) -> Iterator[tuple[str, str]]:
    """(importing module, imported module) within the package."""
    known = modules(package)
    for module, paths in known.items():
        for path in paths:
            for name in named_in(path, module, loads):
                target = name if name in known else name.rpartition(".")[0]
                # The version stands in the package itself, which is there whatever is imported.
                if target in known and target != module and name != f"{package}.__version__":
                    yield module, target


def table() -> str:
    """What the page shows: the floors of each package, the highest first."""
    rows = []
    for package in FLOORS:
        floors: dict[int, list[str]] = {}
        for room, number in floor_of(package).items():
            floors.setdefault(number, []).append(f"`{room}`")
        stack = [" ".join(floors[number]) for number in sorted(floors, reverse=True)]
        rows.append([f"`{package}`", "<br>".join(stack)])
    return pages.table(["Package", "Rooms, from the highest floor down"], rows)


def test_the_page_shows_the_floors() -> None:
    assert PAGE.read_text(encoding="utf-8") == pages.text(PAGE, {"floors": table})


@pytest.mark.parametrize("package", FLOORS)
def test_every_room_has_its_floor(package: str) -> None:
    rooms = {room_of(package, module) for module in modules(package)} - {"", *TOP[package]}
    assert rooms == set(floor_of(package)) - set(CLIENT)


@pytest.mark.parametrize("package", FLOORS)
def test_no_import_runs_upward(package: str) -> None:
    floors = floor_of(package)
    wrong = []
    for module, target in imports(package):
        here, there = room_of(package, module), room_of(package, target)
        if here in ("", *TOP[package]) or here == there:
            continue
        if there == "" or floors[there] >= floors[here]:
            wrong.append(f"{module} -> {target}")
    assert not wrong


@pytest.mark.parametrize("package", FLOORS)
def test_no_import_runs_in_a_circle(package: str) -> None:
    # What a module has loaded in trouble, or seldom, may use its constants.
    graph: dict[str, set[str]] = {}
    for module, target in imports(package, loads=False):
        if not target.startswith(module + ".") and not module.startswith(target + "."):
            graph.setdefault(module, set()).add(target)
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for target in sorted(graph.get(module, ())):
                visit(target, [*way, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from .. import a", ["plexus.a"]),
        ("from ..a import b", ["plexus.a.b"]),
        ("from . import a", ["plexus.room.a"]),
        ("import plexus.a", ["plexus.a"]),
        ("def f():\n    from .a import b", ["plexus.room.a.b"]),
        ("load_once('plexus', 'a.b')", ["plexus.a.b"]),
        ("load(__name__, 'a')", ["plexus.room.a"]),
    ],
)
def test_imports_are_found(source: str, expected: list[str], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert list(named_in(path, "plexus.room.module")) == expected
