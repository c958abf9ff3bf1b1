"""Run each device test twice: inside pytest by CPython, and in a fresh MicroPython process.

A device test is a plain function that takes pytest fixtures by name. What it receives for one
is the fixture's attribute `device` (a dict), gone through JSON, as an object with attributes.
A test file may set these constants:

    TIMEOUT_S = 60      deadline of one test, on both interpreters; more on a busy machine
    HEAP = "4M"         MicroPython's heap, in the syntax of `-X heapsize=`
    COMPILED = True     False: MicroPython compiles the source itself, which takes it longer
    SHORT_NAMES = False True: once more on MicroPython, with private names as a deployed board has
    REQUESTS = False    True: once more with the oldest and the newest `requests` of a firmware
"""

import contextlib
import functools
import gc
import inspect
import json
import linecache
import os
import re
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import support
from tests import interpreter as micropython
from tests.fixtures.patience import patience_s
from tools import build

DEVICE_TESTS = Path(__file__).parent
REPOSITORY = DEVICE_TESTS.parent.parent
# Each of pytest's workers compiles for itself.
BUILT = REPOSITORY / "build" / "test" / os.environ.get("PYTEST_XDIST_WORKER", "main")
SKIPPED = 77
SHORT = "micropython, short names"
# The frozen `requests` is one of many that boards have: models of the ends stand in for those.
REQUESTS = {
    "micropython, oldest requests": DEVICE_TESTS.parent / "models" / "requests_oldest",
    "micropython, newest requests": DEVICE_TESTS.parent / "models" / "requests_newest",
}
FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in ')


@pytest.fixture(autouse=True)
def interpreter(request: pytest.FixtureRequest) -> str:
    """The interpreter that this item runs on."""
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    interpreters = getattr(metafunc.function, "interpreters", support.INTERPRETERS)
    if getattr(metafunc.module, "SHORT_NAMES", False) and "micropython" in interpreters:
        interpreters = (*interpreters, SHORT)
    if getattr(metafunc.module, "REQUESTS", False) and "micropython" in interpreters:
        interpreters = (*interpreters, *REQUESTS)
    metafunc.parametrize("interpreter", interpreters, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Call the device test in pytest's place."""
    names = inspect.signature(pyfuncitem.function).parameters
    fixtures: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    arguments = json.dumps({name: value.device for name, value in fixtures.items()})
    if pyfuncitem.funcargs["interpreter"] == "cpython":
        run_on_cpython(pyfuncitem, arguments)
    else:
        run_on_micropython(pyfuncitem, arguments)
    return True


def run_on_cpython(item: pytest.Function, arguments: str) -> None:
    devices = {
        name: types.SimpleNamespace(**items) for name, items in json.loads(arguments).items()
    }
    # What a test lets go of, as a scan does with drivers, other tests have still in hand.
    modules = {name: module for name, module in sys.modules.items() if name.startswith("plexus")}
    # A device collects garbage often: its own, then, and not that of all of pytest.
    gc.freeze()
    with deadline(timeout_s(item)):
        try:
            item.function(**devices)
        except support.Skip as reason:
            pytest.skip(str(reason))
        finally:
            sys.modules.update(modules)
            gc.unfreeze()


@contextlib.contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Fail the test after so long, wherever it is."""

    def expire(_signal: int, _frame: object) -> None:
        # pytest's own exception is no Exception: the code under test does not swallow it.
        pytest.fail(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_on_micropython(item: pytest.Function, arguments: str) -> None:
    library, tests = REPOSITORY / "lib", DEVICE_TESTS
    models, firmware = DEVICE_TESTS.parent, REPOSITORY
    if item.funcargs["interpreter"] == SHORT:
        library, tests = compiled(library, short=True), compiled(tests, short=True)
        firmware = compiled(REPOSITORY / "firmware", short=True).parent
    elif getattr(item.module, "COMPILED", True):
        library, tests = compiled(library), compiled(tests)
        models = compiled(models / "models").parent
        firmware = compiled(REPOSITORY / "firmware").parent
    frozen = REQUESTS.get(str(item.funcargs["interpreter"]))
    requests = item.config.getoption("requests", None) or frozen
    places = [library, tests, models, firmware, *([requests] if requests else []), ".frozen"]
    heap = getattr(item.module, "HEAP", "4M")
    limit_s = timeout_s(item)
    try:
        status, written = micropython.run(
            ["-X", f"heapsize={heap}", "-m", "run", item.path.stem, item.originalname],
            os.environ | {"MICROPYPATH": ":".join(map(str, places))},
            arguments.encode(),
            limit_s,
        )
    except subprocess.TimeoutExpired as expired:
        output = expired.output.decode(errors="replace")
        pytest.fail(f"{output}\nMicroPython was still running after {limit_s} s", pytrace=False)
    output = written.decode(errors="replace").rstrip("\n")
    if status == SKIPPED:
        pytest.skip(output.rpartition("\n")[2])
    if status != 0:
        failure = f"{with_source_lines(output)}\nMicroPython's exit status: {status}"
        pytest.fail(failure, pytrace=False)
    print(output)


def timeout_s(item: pytest.Function) -> int:
    return round(patience_s(getattr(item.module, "TIMEOUT_S", 60)))


@functools.cache
def compiled(tree: Path, *, short: bool = False) -> Path:
    """The directory with the .mpy files of this tree's Python files, compiled once a session."""
    target = BUILT / ("short" if short else "") / tree.name
    # Without line numbers there would be no assertions.
    build.compile_tree(tree, target, build.host_arch(), lines=True, short=short)
    return target


def with_source_lines(traceback: str) -> str:
    """MicroPython's traceback with each frame's source line below it, as CPython prints it."""
    lines = []
    for line in traceback.splitlines():
        lines.append(line)
        frame = FRAME.match(line)
        if frame:
            source = linecache.getline(source_of(frame["file"]), int(frame["line"])).strip()
            lines += [f"    {source}"] if source else []
    return "\n".join(lines)


def source_of(file: str) -> str:
    """A traceback's file; the frames of compiled files name no directory, or a module."""
    if Path(file).is_absolute():
        return file
    if not file.endswith(".py"):
        file = file.replace(".", "/") + ".py"
    trees = REPOSITORY / "lib", DEVICE_TESTS.parent / "models"
    return str(next((found for tree in trees for found in tree.rglob(file)), DEVICE_TESTS / file))
