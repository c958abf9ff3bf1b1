"""The same bytes come out however the inner loops run: machine code, bytecode, plain Python."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.patience import patience_s
from tools import build

DEVICE_TESTS = build.REPOSITORY / "tests" / "device"
MICROPYTHON = Path(sys.executable).with_name("micropython")
INTERPRETERS = {"cpython": Path(sys.executable), "micropython": MICROPYTHON}
MACHINE_CODE = re.compile(r"^\s*@micropython\.(native|viper)$", re.MULTILINE)
# MicroPython's functions have a type for each emitter, all named "function".
IS_MACHINE_CODE = "import plexus.readings.ring as k; print(type(k.walk) is not type(lambda: 0))"


def run(interpreter: Path, library: Path, *arguments: str) -> str:
    """Run with the plexus of this directory: what it printed."""
    path = f"{library}:{DEVICE_TESTS}"
    result = subprocess.run(
        [interpreter, *arguments],
        env=os.environ | {"MICROPYPATH": f"{path}:.frozen", "PYTHONPATH": path},
        cwd=library,
        capture_output=True,
        text=True,
        timeout=patience_s(60),
    )
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def corpus(interpreter: Path, library: Path, seed: int, readings: int) -> str:
    return run(interpreter, library, str(DEVICE_TESTS / "corpus.py"), str(seed), str(readings))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The library compiled for an architecture, as tools/build.py does it."""

    def compile_for(arch: str) -> Path:
        target = tmp_path_factory.mktemp(arch)
        build.compile_tree(build.LIBRARY, target, arch)
        return target

    return compile_for


@pytest.fixture
def no_machine_code(tmp_path: Path) -> Path:
    """The library on a port without machine code: its compiler refuses each file that wants it.

    A package is found before the file of the same name, and these hold a decorator that no
    compiler knows.
    """
    library = tmp_path / "lib"
    shutil.copytree(build.LIBRARY, library, ignore=shutil.ignore_patterns("__pycache__"))
    for path in list((library / "plexus").rglob("*.py")):
        if MACHINE_CODE.search(path.read_text()):
            refused = path.with_suffix("")
            refused.mkdir()
            (refused / "__init__.py").write_text("@micropython.asm_xyz\ndef f():\n    pass\n\n?\n")
    assert (library / "plexus" / "readings" / "codec" / "__init__.py").exists()
    return library


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_machine_code_gives_the_bytes_of_plain_python(seed: int) -> None:
    expected = corpus(INTERPRETERS["cpython"], build.LIBRARY, seed, 8000)
    assert corpus(MICROPYTHON, build.LIBRARY, seed, 8000) == expected


def test_bytecode_build_gives_the_bytes_of_plain_python(compiled) -> None:
    library = compiled("none")
    expected = corpus(INTERPRETERS["cpython"], build.LIBRARY, 4, 1500)
    assert corpus(MICROPYTHON, library, 4, 1500) == expected


def test_machine_code_runs_where_the_build_has_it(compiled) -> None:
    assert run(MICROPYTHON, build.LIBRARY, "-c", IS_MACHINE_CODE) == "True\n"
    assert run(MICROPYTHON, compiled(build.host_arch()), "-c", IS_MACHINE_CODE) == "True\n"
    assert run(MICROPYTHON, compiled("none"), "-c", IS_MACHINE_CODE) == "False\n"


@pytest.mark.parametrize("name", INTERPRETERS)
def test_port_without_machine_code_gives_the_same_bytes(name: str, no_machine_code: Path) -> None:
    # ESP32-C3 firmware before 1.24, for one: to it every such decorator is a syntax error.
    program = "from plexus import Plexus; import corpus; print(corpus.run(5, 300, 0))"
    expected = run(INTERPRETERS["cpython"], build.LIBRARY, "-c", program)
    assert run(INTERPRETERS[name], no_machine_code, "-c", program) == expected


@pytest.mark.parametrize("name", INTERPRETERS)
def test_plain_source_stands_in_only_for_a_syntax_error(name: str, no_machine_code: Path) -> None:
    broken = no_machine_code / "plexus" / "readings" / "codec" / "__init__.py"
    broken.write_text("import no_such_module_of_ours\n")
    with pytest.raises(AssertionError, match="no_such_module_of_ours"):
        run(INTERPRETERS[name], no_machine_code, "-c", "from plexus import Plexus")
