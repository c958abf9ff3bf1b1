"""What each part of the product keeps of the heap, held against the budget in heap_budget.json.

Measured under MicroPython for WebAssembly, whose heap is a board's: pointers of 32 bits, blocks of
16 B. The files are compiled as for a board, but without machine code, so what a board keeps
outside Python's heap counts here as the bytecode that it would be. What a board has beside our
files, its locks, sockets and TLS among it, is not there and not counted.

An emulated ESP32 that loads the same files, in the same order, keeps 0.3 % less than these figures
in all; a step is within 8 % of them, but for a client (1 kB more there). A single module there is
up to 1 kB off, since its collector also takes numbers on the stack for pointers.

A module's bytes are its own: what it needs is loaded before it. A package's count with the first of
its modules, and those of a module that is let go of at once with the step's objects. They are of
two kinds, each found in a fresh interpreter. The heap that a module keeps is measured when every
name is there already. Its names are counted apart, as bytes that they use, since MicroPython takes
room for many at once: the table of names doubles, and a module that happened to need the first
name too many would seem to keep kilobytes.
"""

import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from tools.artifacts import payload
from tools.bench import wasm
from tools.short_names import rom_names

BUDGET = Path(__file__).with_name("heap_budget.json")
# Over its budget by more than both of these is too much; below it by more than both is stale.
OVER = (64, 0.01)
UNDER = (512, 0.05)
WRITE = "python -m tools bench --heap --write"

# What a program does, one statement after another, and what each is called.
STEPS = {
    "core": "from plexus import Plexus",
    "client": "px = Plexus('plx_bench', 'bench-1', endpoint='http://127.0.0.1:9/api/ingest', "
    "ring_bytes=256)",
    "sampler": "from plexus.sensors import Sampler, driver_class; sampler = Sampler(px); "
    "sampler.add(sensor, deadband=1)",
    "bme280": "driver_class('bme280')",
    "mpu6050": "driver_class('mpu6050')",
    "ds18b20": "driver_class('ds18b20')",
    "system": "driver_class('system')",
    "board": "from plexus.board import Board",
    "firmware": "import firmware.supervisor, firmware.start, firmware.device, firmware.wifi",
    "agent": "from plexus import Agent; agent = Agent(px, sampler, url='ws://127.0.0.1:9/')",
    "remote": "import firmware.device_commands",
    "store": "from plexus.store import Store; stored = Store(px.delivery, '/nowhere/plexus', 16, "
    "60000, False, True, bytes, None)",
}
# What the firmware loads for a moment: at its start, when it delivers, and in trouble.
_FOR_A_MOMENT = (
    "firmware.aside",
    "firmware.atomic_json",
    "firmware.button",
    "firmware.config",
    "firmware.profile",
    "firmware.traceback_text",
    "firmware.wifi_reasons",
    "firmware.wifi_scan",
    "plexus.clock.sntp",
    "plexus.clock.timekeeping",
    "plexus.delivery.http_date",
    "plexus.delivery.narrowing",
    "plexus.delivery.problem",
    "plexus.explain",
    "plexus.extras",
    "plexus.readings.batch",
    "plexus.sensors.checks",
    "plexus.sensors.sampling.adding",
    "plexus.sensors.sampling.filters",
    "plexus.sensors.sampling.values",
    "plexus.tls.failure",
)
# A step's objects: all that it keeps beside the modules that it loads.
OBJECTS = "(objects)"
WHOLE = "all"

PROBE = Path(__file__).with_name("device") / "imports.py"
# Frozen in a board's MicroPython, and loaded anew by each client.
_REQUESTS = "import socket\n"
# A name's place in the table: pointer, hash, length. Its text is counted by qstr_info().
_NAME_B = 4 + 2 + 1
# Bytes to put before all that is measured. The collector takes a number for a pointer if it is the
# address of something, and keeps that: now and then some garbage of an import seems to stay. It
# is another at another place, so the median of some places has none of it.
_SHIFTS = (0, 4336, 8976, 14000, 20528)
_NAME = re.compile(r"^Q\((.*?)\)(?=\nQ\(|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Kept:
    """Bytes of heap: `heap` beside names, `names` for them."""

    heap: int
    names: int

    @property
    def total(self) -> int:
        return self.heap + self.names


Table = dict[str, dict[str, int]]


def files() -> dict[str, bytes]:
    """What is measured, by its path on the board: compiled as deploy does it, names and all."""
    return payload.library("none") | payload.program("none")


def names() -> list[str]:
    """The names of ours that a bare board has after some trouble, but those in its ROM.

    That is what the steps load, but for the agent, which has no room there, and what is loaded for
    a moment, whose names stay.
    """
    rom = rom_names()
    theirs = {*rom.rare, *rom.ordinary, *rom.private}
    steps = [STEPS[step] for step in STEPS if step not in ("agent", "remote", "store")]
    with _board_files() as place:
        named = _order(place, [*steps, *[f"import {name}" for name in _FOR_A_MOMENT]])[2]
        return [name for name in named if name not in theirs]


def measure() -> dict[str, dict[str, Kept]]:
    """Each step's parts in their order: what its modules keep, and its objects."""
    with _board_files() as place:
        loaded, others, names = _order(place)
        (place / "names.json").write_text(json.dumps(names))
        parts = _parts(loaded)
        # What is not ours is loaded before, and so not counted.
        begin = ["import imports", *(f"imports.load({name!r})" for name in others)]
        named = [*begin, "imports.intern('/lib/names.json')"]
        told = _told(script for _, _, script in parts)
        shifted = [[*named, f"imports.shift({size})", *told] for size in _SHIFTS]
        counted, *kept = wasm.run(place, [[*begin, *told], *shifted])
    names_b = _steps(_names_b(text) for text in counted if text)
    heap_b = [int(median(places)) for places in zip(*map(_heap_steps, kept), strict=True)]
    table: dict[str, dict[str, Kept]] = {step: {} for step in STEPS}
    for (step, part, _), heap, names in zip(parts, heap_b, names_b, strict=True):
        if heap or names:
            table[step][part] = Kept(heap, names)
    return table


def totals(measured: Mapping[str, Mapping[str, Kept]]) -> Table:
    """The table that is the budget: bytes by step and part."""
    return {
        step: {part: kept.total for part, kept in parts.items()} for step, parts in measured.items()
    }


def load_budget() -> Table:
    return json.loads(BUDGET.read_text()) if BUDGET.exists() else {}


def write_budget(table: Table) -> None:
    BUDGET.write_text(json.dumps(table, indent=2) + "\n")


def problems(measured: Table, budget: Table) -> list[str]:
    """A line for each part, and each step as a whole, that its budget does not hold."""
    found = []
    for step in {**budget, **measured}:
        ours, planned = measured.get(step, {}), budget.get(step, {})
        for part in {**planned, **ours}:
            label = part if part != OBJECTS else f"{step} {OBJECTS}"
            nothing = 0 if part == OBJECTS else None
            found += _problem(label, ours.get(part, nothing), planned.get(part, nothing))
        found += _problem(f"{step} in all", sum(ours.values()), sum(planned.values()))
    found += _problem("the whole", _sum(measured), _sum(budget))
    return found


def advice(found: list[str]) -> str:
    """What is wrong, and what to do about it, for a person."""
    return "\n".join(
        [
            "what the device keeps of the heap is not what heap_budget.json says:",
            *(f"  {line}" for line in found),
            "A part that has grown: make it smaller, or, if it is worth its RAM, write the budget",
            f"anew and say why in the commit. One that has shrunk, come or gone: {WRITE}",
        ]
    )


def as_text(measured: Mapping[str, Mapping[str, Kept]], budget: Table) -> str:
    """The table for a person: measured beside the budget."""
    lines = [f"{'':32}{'kept':>8}{'of it names':>13}{'budget':>9}{'':>8}"]
    for step, parts in measured.items():
        planned = budget.get(step, {})
        whole = Kept(
            sum(kept.heap for kept in parts.values()), sum(kept.names for kept in parts.values())
        )
        lines.append(_line(step, whole, sum(planned.values()) if planned else None))
        for part, kept in parts.items():
            lines.append(_line(f"  {part}", kept, planned.get(part)))
    every = [kept for parts in measured.values() for kept in parts.values()]
    whole = Kept(sum(kept.heap for kept in every), sum(kept.names for kept in every))
    lines.append(_line(WHOLE, whole, _sum(budget) if budget else None))
    return "\n".join(lines)


def run(*, write: bool, as_json: bool) -> int:
    """Measure, print, and write the budget anew if `write`; the status is 1 if it is not held."""
    measured = measure()
    table, budget = totals(measured), load_budget()
    if as_json:
        print(json.dumps(table, indent=2))
    else:
        print(as_text(measured, budget))
    if write:
        write_budget(table)
        return 0
    found = problems(table, budget)
    if found:
        print(advice(found), file=sys.stderr)
    return 1 if found else 0


@contextlib.contextmanager
def _board_files() -> Iterator[Path]:
    """A directory with what is measured, and what measures it."""
    with tempfile.TemporaryDirectory(prefix="plexus-heap-") as scratch:
        place = Path(scratch)
        for path, content in files().items():
            if path.startswith("/lib/"):
                target = place / path.removeprefix("/lib/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        (place / "requests.py").write_text(_REQUESTS)
        (place / PROBE.name).write_bytes(PROBE.read_bytes())
        yield place


def _order(
    place: Path, statements: Iterable[str] = tuple(STEPS.values())
) -> tuple[list[list[str]], list[str], list[str]]:
    """Our modules that each step loads, in their order; all others; every name there is then."""
    order = f"imports.order({json.dumps(list(statements))})"
    _, ordered, named = wasm.run(place, [["import imports", order, "imports.names()"]])[0]
    loaded, others = json.loads(ordered)
    return loaded, others, _NAME.findall(named)


def _parts(loaded: list[list[str]]) -> list[tuple[str, str, str]]:
    """(step, part, script) in the order in which they run."""
    parts = []
    for (step, statement), modules in zip(STEPS.items(), loaded, strict=True):
        parts += [(step, name, f"imports.load({name!r})") for name in modules]
        parts.append((step, OBJECTS, f"imports.perform({statement!r})"))
    return parts


def _told(scripts: Iterable[str]) -> list[str]:
    """The scripts, and what is in use before the first and after each."""
    # Twice: what the first collection frees may have held something that the second frees.
    tell = ["imports.gc.collect()", "imports.gc.collect()", "imports.tell()"]
    return tell + [line for script in scripts for line in (script, *tell)]


def _heap_steps(texts: Iterable[str]) -> list[int]:
    return _steps(int(text.split("\n", 1)[0]) for text in texts if text)


def _names_b(text: str) -> int:
    found = re.search(r"n_qstr=(\d+), n_str_data_bytes=(\d+)", text)
    if found is None:
        raise wasm.WasmFailed(f"no count of names in {text!r}")
    return int(found[1]) * _NAME_B + int(found[2])


def _steps(levels: Iterable[int]) -> list[int]:
    """How much each level lies above the one before."""
    every = list(levels)
    return [later - earlier for earlier, later in pairwise(every)]


def _problem(label: str, ours: int | None, planned: int | None) -> list[str]:
    if planned is None:
        return [f"{label} keeps {ours:,} B and has no budget"]
    if ours is None:
        return [f"{label} has a budget of {planned:,} B and is not there"]
    over = ours - planned
    if over > _allowed(OVER, planned):
        words = f"{over:,} more than its budget of {planned:,}"
        return [f"{label} keeps {ours:,} B: {words} ({_allowed(OVER, planned):,} are allowed)"]
    if -over > _allowed(UNDER, planned):
        return [f"{label} keeps {ours:,} B: {-over:,} less than its budget of {planned:,}"]
    return []


def _allowed(bounds: tuple[int, float], planned: int) -> int:
    fixed, part = bounds
    return max(fixed, int(part * planned))


def _sum(table: Table) -> int:
    return sum(sum(parts.values()) for parts in table.values())


def _line(label: str, kept: Kept, planned: int | None) -> str:
    beside = f"{planned:>9,}{kept.total - planned:>+8,}" if planned is not None else f"{'-':>9}"
    return f"{label:32}{kept.total:>8,}{kept.names:>13,}{beside}"
