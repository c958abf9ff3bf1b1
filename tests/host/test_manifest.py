"""firmware/manifest.py by MicroPython's own manifest tool: it freezes all that a board needs."""

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.build import LIBRARY, REPOSITORY, compile_file, device_files

FIRMWARE = REPOSITORY / "firmware"
# It comes with a package for type stubs, whose other dependencies it does not need.
TOOL = Path(sys.prefix) / "oracles" / "stubber" / "tools" / "manifestfile.py"
# What is on a board at the top, and what is for the build alone.
PROGRAMS = ("boot.py", "main.py")
BUILD = ("manifest.py",)


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("manifestfile", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def port(tmp_path: Path) -> Path:
    """A port's directory, whose own manifest freezes one module."""
    boards = tmp_path / "boards"
    boards.mkdir()
    (boards / "manifest.py").write_text('module("inisetup.py", base_path="$(PORT_DIR)/modules")\n')
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "inisetup.py").write_text("")
    return tmp_path


def frozen(tool: Any, port: Path, manifest: str) -> dict[str, Path]:
    """What it freezes: place on the board -> file."""
    made = tool.ManifestFile(tool.MODE_FREEZE, {"PORT_DIR": str(port)})
    made.execute(manifest)
    files = made.files()
    assert all(file.kind == tool.KIND_FREEZE_AS_MPY for file in files)
    targets = [file.target_path for file in files]
    assert len(set(targets)) == len(targets), "a file is frozen once"
    return {file.target_path: Path(file.full_path) for file in files}


def ours(tool: Any, port: Path) -> dict[str, Path]:
    return frozen(tool, port, str(FIRMWARE / "manifest.py"))


def test_the_library_is_frozen_whole(tool: Any, port: Path) -> None:
    found = {name: path for name, path in ours(tool, port).items() if name.startswith("plexus/")}
    assert found == {
        path.relative_to(LIBRARY).as_posix(): path for path in device_files(LIBRARY / "plexus")
    }


def test_the_program_is_frozen_whole_where_deploy_puts_it(tool: Any, port: Path) -> None:
    found = ours(tool, port)
    paths = {path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.rglob("*.py")}
    names = paths - set(BUILD)
    expected = {name if name in PROGRAMS else f"firmware/{name}" for name in names}
    rest = {name for name in found if not name.startswith("plexus/")}
    assert rest == expected | {"inisetup.py"}
    assert all(found[name] == FIRMWARE / name.removeprefix("firmware/") for name in expected)


def test_the_ports_own_modules_stay(tool: Any, port: Path) -> None:
    assert ours(tool, port)["inisetup.py"] == port / "modules" / "inisetup.py"


def test_each_module_that_the_program_imports_is_frozen_or_in_micropython(
    tool: Any, port: Path
) -> None:
    found = ours(tool, port)
    own = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in found}
    for path in found.values():
        for module in imported(path):
            if module.split(".")[0] in ("plexus", "firmware"):
                assert module in own, f"{path.name} imports {module}"


def imported(path: Path) -> set[str]:
    """The full names of the modules that a file of ours imports absolutely, or from its package."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ""
            if node.level:
                package = ".".join(path.relative_to(home(path)).parts[: -node.level])
            module = ".".join(part for part in (package, node.module) if part)
            names |= {module}
    return names


def home(path: Path) -> Path:
    return LIBRARY if path.is_relative_to(LIBRARY) else REPOSITORY


def test_what_is_frozen_compiles(tool: Any, port: Path, tmp_path: Path) -> None:
    for name, path in ours(tool, port).items():
        if path.is_relative_to(FIRMWARE):
            compile_file(path, tmp_path / "frozen.mpy", "xtensawin", name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_runs_at_the_start_holds_nothing_that_can_fail(name: str) -> None:
    tree = ast.parse((FIRMWARE / name).read_text())
    _docstring, *rest = tree.body
    for statement in rest:
        assert isinstance(statement, ast.Try), ast.unparse(statement)
        caught = [ast.unparse(handler.type) for handler in statement.handlers if handler.type]
        assert caught == ["(ImportError, ValueError)"]
        assert isinstance(statement.body[0], ast.ImportFrom) and len(statement.body) == 1
        assert ast.unparse(statement.orelse[0]) == "run()"
