"""What the device keeps of a board's heap: within the budget, measured truly, told plainly."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import __main__ as tools_main
from tools import build
from tools.artifacts import payload
from tools.bench import heap, wasm
from tools.bench.heap import OBJECTS, Kept, problems

# A board's table of names doubles, which takes 4.6 kB, with the 621st, and then the firmware with
# four sensors does not start. After an outage it has some 180 fewer there than are counted here:
# those of the configuration's checks, which a second start does without, the probe's, and those
# that ROM has and this port has not.
MAX_NAMES = 799


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Kept]]:
    return heap.measure()


@pytest.fixture
def budget_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A budget of the test's own, empty."""
    path = tmp_path / "budget.json"
    monkeypatch.setattr(heap, "BUDGET", path)
    return path


def core_modules(measured: dict[str, dict[str, Kept]]) -> list[str]:
    return [part for part in measured["core"] if part != OBJECTS]


class Copy:
    """A copy of the library, to be changed. before: what it keeps as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        shutil.copytree(build.LIBRARY, path)
        self.before = self._measure()

    def with_text(self, part: str, text: str) -> dict[str, dict[str, Kept]]:
        """What is measured with a text at the end of a module."""
        module = self._path.joinpath(*part.split("."))
        file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        source = file.read_text()
        file.write_text(source + text)
        try:
            return self._measure()
        finally:
            file.write_text(source)

    def _measure(self) -> dict[str, dict[str, Kept]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payload, "LIBRARY", self._path)
            return heap.measure()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("library") / "lib")


# --- the device and its budget ----------------------------------------------------------------


def test_device_keeps_within_its_budget(measured: dict[str, dict[str, Kept]]) -> None:
    found = problems(heap.totals(measured), heap.load_budget())
    assert not found, heap.advice(found)


def test_names_leave_the_boards_table_of_names_as_it_is() -> None:
    names = heap.names()
    assert len(names) <= MAX_NAMES, f"{len(names)} names: give some of them words that are used"


# --- measuring --------------------------------------------------------------------------------


def test_figures_are_the_same_in_another_run(measured: dict[str, dict[str, Kept]]) -> None:
    assert heap.measure() == measured


def test_module_of_one_kB_more_is_over_its_budget(library: Copy) -> None:
    part = core_modules(library.before)[-1]
    grown = heap.totals(library.with_text(part, f"\nPADDING = {bytes(1024)!r}\n"))
    budget = heap.totals(library.before)
    assert 1024 < grown["core"][part] - budget["core"][part] < 1024 + 128
    found = problems(grown, budget)
    assert found[0].startswith(f"{part} keeps"), "not its neighbours"
    assert {line.split(" keeps ")[0] for line in found} <= {part, "core in all", "the whole"}


def test_many_names_of_an_early_module_move_no_other_figure(library: Copy) -> None:
    part = core_modules(library.before)[1]
    # The table of names doubles then at another place, and once more.
    names = [f"an_unused_name_{i}" for i in range(400)]
    grown = library.with_text(part, "\n" + "".join(f"{name} = None\n" for name in names))
    before = copy.deepcopy(library.before)
    added = grown["core"].pop(part).names - before["core"].pop(part).names
    assert added == sum(4 + 2 + 1 + len(name) + 1 for name in names)
    assert problems(heap.totals(grown), heap.totals(before)) == []


def test_every_step_has_its_modules(measured: dict[str, dict[str, Kept]]) -> None:
    assert list(measured) == list(heap.STEPS)
    assert core_modules(measured)[-1] == "plexus.client", "what it needs comes before it"
    assert "firmware.device" in measured["firmware"]


def test_nothing_of_CPython_is_counted(measured: dict[str, dict[str, Kept]]) -> None:
    parts = {part for modules in measured.values() for part in modules}
    assert not {part for part in parts if "._host" in part or part == "plexus.port.requests"}


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., list[list[str]]]:
    """What is found of modules that the test has made: each statement's, in their order."""
    package = tmp_path / "plexus"
    package.mkdir()
    shutil.copy(heap.PROBE, tmp_path)

    def find(statements: list[str], **sources: str) -> list[list[str]]:
        for name, source in {"__init__": "", **sources}.items():
            (package / f"{name}.py").write_text(source)
        printed = wasm.run(tmp_path, [["import imports", f"imports.order({statements!r})"]])
        return json.loads(printed[0][1])[0]

    return find


def test_module_comes_after_those_that_it_needs(order: Callable[..., list[list[str]]]) -> None:
    loaded = order(
        ["import plexus.a", "import plexus.d"],
        a="from . import c\nfrom .b import x",
        b="from .c import x",
        c="x = 1",
        d="import plexus.a",
    )
    assert [name for name in loaded[0] if name != "plexus"] == ["plexus.c", "plexus.b", "plexus.a"]
    assert loaded[1] == ["plexus.d"]


def test_module_that_is_let_go_of_has_no_part(order: Callable[..., list[list[str]]]) -> None:
    loaded = order(
        ["import plexus.a"],
        a="import sys\nfrom . import once\nsys.modules.pop('plexus.once')",
        once="",
    )
    assert "plexus.once" not in loaded[0]
    assert "plexus.a" in loaded[0]


def test_client_made_counts_its_ring(measured: dict[str, dict[str, Kept]]) -> None:
    assert measured["client"][OBJECTS].heap > 256


# --- holding figures against a budget ---------------------------------------------------------


def of_ring(ring: int) -> heap.Table:
    return {"core": {"ring": ring, "rest": 20000}}


def test_growth_within_the_tolerance_is_borne() -> None:
    assert problems(of_ring(2000 + 64), of_ring(2000)) == []


def test_growth_beyond_the_tolerance_is_named() -> None:
    assert problems(of_ring(2000 + 65), of_ring(2000)) == [
        "ring keeps 2,065 B: 65 more than its budget of 2,000 (64 are allowed)"
    ]


def test_large_part_may_grow_by_one_percent() -> None:
    assert problems(of_ring(10000 + 100), of_ring(10000)) == []
    assert len(problems(of_ring(10000 + 101), of_ring(10000))) == 1


def test_many_small_growths_are_found_in_the_step() -> None:
    budget = {"core": {f"m{i}": 1000 for i in range(20)}}
    grown = {"core": {f"m{i}": 1060 for i in range(20)}}
    words = "keeps 21,200 B: 1,200 more than its budget of 20,000 (200 are allowed)"
    assert problems(grown, budget) == [f"core in all {words}", f"the whole {words}"]


def test_small_saving_leaves_the_budget_valid() -> None:
    assert problems(of_ring(2000 - 512), of_ring(2000)) == []


def test_large_saving_makes_the_budget_stale() -> None:
    assert problems(of_ring(2000 - 513), of_ring(2000)) == [
        "ring keeps 1,487 B: 513 less than its budget of 2,000"
    ]


def test_module_without_a_budget_is_named() -> None:
    found = problems({"core": {"ring": 2000, "new": 10}}, {"core": {"ring": 2000}})
    assert found == ["new keeps 10 B and has no budget"]


def test_budget_of_a_module_that_is_gone_is_named() -> None:
    found = problems({"core": {"ring": 2000}}, {"core": {"ring": 2000, "old": 10}})
    assert found == ["old has a budget of 10 B and is not there"]


def test_advice_says_what_grew_and_how_the_budget_is_written() -> None:
    text = heap.advice(problems(of_ring(3000), of_ring(2000)))
    assert "ring keeps 3,000 B: 1,000 more than its budget of 2,000" in text
    assert "python -m tools bench --heap --write" in text


# --- the command ------------------------------------------------------------------------------


def test_written_budget_is_held(
    measured: dict[str, dict[str, Kept]],
    budget_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(heap, "measure", lambda: measured)
    assert tools_main.main(["bench", "--heap"]) == 1, "there is no budget yet"
    assert tools_main.main(["bench", "--heap", "--write"]) == 0
    assert heap.load_budget() == heap.totals(measured)
    capsys.readouterr()
    assert tools_main.main(["bench", "--heap"]) == 0
    assert "plexus.client" in capsys.readouterr().out


def test_budget_not_held_is_an_exit_status(
    budget_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heap.write_budget(of_ring(2000))
    grown = {"core": {"ring": Kept(2000, 1000), "rest": Kept(20000, 0)}}
    monkeypatch.setattr(heap, "measure", lambda: grown)
    assert tools_main.main(["bench", "--heap"]) == 1
    assert "ring keeps 3,000 B" in capsys.readouterr().err


def test_write_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tools_main.main(["bench", "--write"])
    assert "--heap" in capsys.readouterr().err


# --- the interpreter --------------------------------------------------------------------------


def test_interpreter_has_pointers_of_32_bits(tmp_path: Path) -> None:
    assert wasm.run(tmp_path, [["import sys; print(sys.maxsize)"]]) == [[str(2**31 - 1)]]


def test_each_run_has_a_fresh_interpreter(tmp_path: Path) -> None:
    scripts = ["print('a' in globals()); a = 1", "print('a' in globals())"]
    assert wasm.run(tmp_path, [scripts, scripts]) == [["False", "True"]] * 2


def test_script_that_fails_is_told_with_its_error(tmp_path: Path) -> None:
    with pytest.raises(wasm.WasmFailed, match="ImportError: no module named 'missing'"):
        wasm.run(tmp_path, [["import missing"]])


def test_interpreter_that_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm, "MODULE", tmp_path / "micropython.mjs")
    with pytest.raises(wasm.WasmFailed, match="make setup"):
        wasm.run(tmp_path, [["pass"]])
