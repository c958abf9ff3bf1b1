"""README and docs say what is so: their programs run, what they name exists, their tables agree."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plexus import Clock, Plexus
from plexus.delivery import verdict
from plexus.port import ticks_ms
from tests.fixtures.server import ServerView
from tools import build
from tools.__main__ import build_parser
from tools.artifacts import micropython
from tools.bench import measurements, table
from tools.bench.lab import Lab
from tools.mock_server import MockServer
from tools.time_server import HOST, TimeServer

REPOSITORY = build.REPOSITORY
README = REPOSITORY / "README.md"
CLIENT_PAGE = REPOSITORY / "docs" / "client.md"
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
BENCHMARKS = REPOSITORY / "docs" / "benchmarks.md"
RELIABILITY = REPOSITORY / "docs" / "reliability.md"
MEMORY = REPOSITORY / "docs" / "memory.md"
CLOCK = REPOSITORY / "docs" / "clock.md"
SENSORS_PAGE = REPOSITORY / "docs" / "sensors.md"
FIRMWARE_PAGE = REPOSITORY / "docs" / "firmware.md"
AGENT_PAGE = REPOSITORY / "docs" / "agent.md"
# Those whose programs are run,
PROGRAMS = (
    README,
    CLIENT_PAGE,
    RELIABILITY,
    MEMORY,
    CLOCK,
    SENSORS_PAGE,
    FIRMWARE_PAGE,
    AGENT_PAGE,
)
# and those that have none, but name files, targets and tools all the same.
PAGES = (
    *PROGRAMS, ARCHITECTURE, BENCHMARKS,
    REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "SECURITY.md",
)  # fmt: skip
TESTS = REPOSITORY / "tests"  # where the models are
DEADLINE_S = 30

# What stands before each program: the test's server and clock in place of the public ones, and
# what a board has and these interpreters lack. The arguments that the page gives are kept.
BEFORE = """
import gc, time
import plexus

if not hasattr(time, "ticks_ms"):  # CPython
    from plexus.port import ticks_ms
    time.ticks_ms = ticks_ms
    time.sleep_ms = lambda ms: time.sleep(ms / 1000)
    gc.mem_free = lambda: 100000

_Plexus, _Clock = plexus.Plexus, plexus.Clock


def _client(*args, endpoint=None, **options):
    endpoint = SECURE if endpoint and endpoint[:6] == "https:" else INGEST
    if "clock" not in options:
        options.update(ntp_hosts=[NTP_HOST], ntp_port=NTP_PORT)
    return _Plexus(*args, endpoint=endpoint, flush_interval_ms=100, **options)


def _clock(hosts, **options):
    return _Clock([NTP_HOST] if hosts else (), port=NTP_PORT, **options)


plexus.Plexus, plexus.Clock = _client, _clock
"""
# The same for the live side.
AGENT = """
_Agent = plexus.Agent


def _agent(*args, url, **options):
    return _Agent(*args, url=SOCKET, **options)


plexus.Agent = _agent
"""
# What a block that is no program of its own may use.
CLIENT = """
px = plexus.Plexus("plx_xxxxx", "esp32-001")
"""
SENSORS = """
from machine import I2C, Pin
from plexus.sensors import Sampler

i2c = I2C(0)
sampler = Sampler(px)
"""
# The board: simulated sensors, a radio that hears nobody, and a timer.
MACHINE = """
import sys
from models import network, world

network.clear()
sys.modules["network"] = network
world.build()

import _thread, machine, time

try:
    from micropython import schedule
except ImportError:
    def schedule(function, argument):
        function(argument)


class Timer:
    PERIODIC = 1

    def __init__(self, id):
        pass

    def init(self, period, mode, callback):
        def run():
            while True:
                time.sleep(period / 1000)
                try:
                    schedule(callback, self)
                except RuntimeError:
                    pass  # the queue is full
        _thread.start_new_thread(run, ())



machine.Timer = Timer
"""


def blocks(page: Path) -> list[tuple[int, str]]:
    """(line number, text) of each block of Python on a page."""
    found = re.finditer(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [(page.read_text()[: match.start()].count("\n") + 2, match[1]) for match in found]


BLOCKS = [
    pytest.param(text, id=f"{page.name}:{line}") for page in PROGRAMS for line, text in blocks(page)
]


def shell_lines() -> Iterator[str]:
    """What the pages tell to type: indented lines and code in the text."""
    for page in (*PAGES, REPOSITORY / "CHANGELOG.md"):
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        yield from re.findall(r"^    +(\S.*)$", text, re.MULTILINE)
        yield from re.findall(r"`([^`]+)`", text)


def rows(page: Path, header: str) -> list[list[str]]:
    """The cells of the table whose first line begins with `header`."""
    _, found, rest = page.read_text().partition("\n" + header)
    assert found, f"{page.name} has no table {header!r}"
    lines = rest.splitlines()[2:]
    table_lines = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table_lines]


# --- the programs -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def time_server() -> Iterator[TimeServer]:
    with TimeServer(chrony=False) as server:
        yield server


@pytest.fixture(scope="module")
def gateway_over_tls() -> Iterator[MockServer]:
    with MockServer(profile="gateway", tls=True) as mock:
        yield mock


@pytest.mark.parametrize("text", BLOCKS)
def test_python_on_the_pages_compiles_for_a_board(text: str, tmp_path: Path) -> None:
    source = tmp_path / "block.py"
    source.write_text(text)
    build.compile_file(source, tmp_path / "block.mpy", "xtensawin")


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
@pytest.mark.parametrize("text", BLOCKS)
def test_python_on_the_pages_runs(
    text: str,
    interpreter: str,
    tmp_path: Path,
    server: ServerView,
    gateway_over_tls: MockServer,
    time_server: TimeServer,
) -> None:
    settings = {
        "INGEST": server.device["ingest"],
        "SECURE": f"{gateway_over_tls.tls_url}/ingest",
        "SOCKET": server.device["ws"],
        "NTP_HOST": HOST,
        "NTP_PORT": time_server.port,
    }
    lines = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    program = "from plexus import" in text and "Plexus(" in text
    prelude = "" if program else CLIENT
    watched = "Agent(" in text
    if watched:
        prelude += AGENT
    if not program and ("sampler" in text or "i2c" in text):
        prelude += SENSORS
    # What is enough stack for a thread on a board is too little for a computer's name look-up.
    text = re.sub(r"stack_size\(\d+\)", "stack_size(65536)", text)
    (tmp_path / "page.py").write_text(lines + MACHINE + BEFORE + prelude + text)
    (tmp_path / "board.json").write_bytes((REPOSITORY / "boards" / "simulated.json").read_bytes())
    (tmp_path / "ca.der").write_bytes(gateway_over_tls.ca_der)
    gateway_over_tls.reset()
    command = (
        [sys.executable, "page.py"] if interpreter == "cpython" else micropython.command("page")
    )
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=micropython.environment(tmp_path, build.LIBRARY, TESTS)
        | {"PYTHONPATH": os.pathsep.join(map(str, (tmp_path, build.LIBRARY, TESTS)))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        if any(f"{loop}:" in text for loop in ("while True", "async def main()")):
            sending = (server.mock, gateway_over_tls)
            deadline = time.monotonic() + DEADLINE_S
            while sum(mock.counts()["points"] for mock in sending) < 2:
                assert process.poll() is None, f"it ended with {process.returncode}"
                assert time.monotonic() < deadline, "no readings came"
                if watched and server.mock.devices():
                    server.mock.command("esp32-001", "start_stream", {"store": True})
                    watched = False
                time.sleep(0.02)
        else:
            assert process.wait(DEADLINE_S) == 0
            stored = server.mock.counts()["points"] + gateway_over_tls.counts()["points"]
            assert stored or "px.flush()" not in text or "px.send" not in text
    finally:
        process.kill()
        print(process.communicate()[0])


def test_readings_of_the_driver_on_the_page_are_those_of_the_sensor() -> None:
    (text,) = [text for _, text in blocks(SENSORS_PAGE) if "class TMP102" in text]
    names: dict = {}
    exec(text, names)

    class Bus:
        def __init__(self, raw: bytes) -> None:
            self.raw = raw
            self.configured = b""

        def readfrom_mem(self, _address: int, register: int, _size: int) -> bytes:
            return self.raw if register == 0 and self.configured[:1] == b"\xe1" else b"\x00\x00"

        def writeto_mem(self, _address: int, register: int, data: bytes) -> None:
            assert register == 1
            self.configured = data

    # TMP102 data sheet, table 7-2: 12-bit temperature data format
    for raw, celsius in ((0x7FF0, 127.9375), (0x1900, 25), (0x0040, 0.25), (0xFFC0, -0.25)):
        sensor = names["TMP102"](Bus(raw.to_bytes(2, "big")))
        assert sensor.read() == [("temperature", celsius)]


# --- what is named exists ---------------------------------------------------------------------

ON_THE_BOARD = {
    "main.py", "settings.py", "board.json", "/boot.py", "/main.py", "/plexus.json", "/board.json",
    "/crash.json", "plexus.json", "/commands.py",
}  # fmt: skip
TO_BE_WRITTEN = re.compile(r"tmp102|\.\.\.\.")  # by who follows the page


def test_links_lead_somewhere() -> None:
    others = [REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").glob("*.md")]
    for page in {*PAGES, *others}:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            if not target.startswith("https://"):
                name, _, part = target.partition("#")
                place = page.parent / name if name else page
                assert place.exists(), f"{page.name}: {target}"
                assert not part or part in headings(place), f"{page.name}: {target}"


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}


def test_files_that_are_named_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"[\w./-]+\.(?:py|md|json)\b", page.read_text()):
            places = (REPOSITORY, page.parent, build.LIBRARY / "plexus", REPOSITORY / "examples")
            known = name.rpartition("/")[2] == "esptool.py" or name in ON_THE_BOARD
            known = known or TO_BE_WRITTEN.search(name)
            assert known or any((place / name).exists() for place in places), f"{page.name}: {name}"


def test_the_tree_names_every_file_of_the_library() -> None:
    text = ARCHITECTURE.read_text()
    named = set(re.findall(r"^    (lib/plexus/\S+)", text, re.MULTILINE))
    files = (path.relative_to(REPOSITORY) for path in build.device_files(build.LIBRARY))
    drivers = "lib/plexus/sensors/"
    assert named == {
        drivers if path.as_posix().startswith(drivers) else path.as_posix() for path in files
    }
    folders = r"^    ((?:firmware|boards|examples|tools|tests)/\S*)"
    for name in re.findall(folders, text, re.MULTILINE):
        path = REPOSITORY / name
        assert path.is_dir() if name.endswith("/") else path.is_file(), name


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for line in shell_lines() if (match := re.match(r"make ([a-z]+)", line))}
    assert {"demo", "test", "bench"} <= named <= targets


def test_tools_that_are_named_exist() -> None:
    named = set()
    for line in shell_lines():
        words = re.sub(r"\s+#.*", "", line).split()
        if words[:2] and words[0].rpartition("/")[2] == "python" and words[1] == "-m":
            named.add(words[2])
            if words[2] == "tools":
                build_parser().parse_args(words[3:])  # exits if it is no command, or no option
            else:
                module = REPOSITORY.joinpath(*words[2].split(".")).with_suffix(".py")
                assert module.exists(), line
                options = re.findall(r"--arch (\w+)", line)
                assert set(options) <= set(build.ARCHITECTURES), line
    assert named == {
        *("tools", "tools.build"),
        *("tools.artifacts.package", "tools.artifacts.config_rules"),
    }


def test_readme_has_the_two_commands_that_show_it_all() -> None:
    typed = re.findall(r"^    (make \w+)", README.read_text(), re.MULTILINE)
    assert {"make demo", "make test"} <= set(typed)


def test_workflow_and_hooks_run_what_the_repository_does() -> None:
    commands = (REPOSITORY / ".ci" / "run").read_text()
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["test"]
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])
    assert "make lint" in commands and "make test" in commands
    pins = (REPOSITORY / "requirements-dev.txt").read_text()
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"]
    (ruff,) = [repo for repo in hooks if repo["repo"].endswith("ruff-pre-commit")]
    assert f"\nruff=={ruff['rev'].removeprefix('v')}\n" in pins


def test_mpremote_takes_the_package_as_it_is_named() -> None:
    # tests/host/test_package.py installs it.
    assert "mpremote mip install ./package.json" in list(shell_lines())
    assert (REPOSITORY / "package.json").exists()


def test_changelog_has_the_version() -> None:
    from tools.artifacts import package

    assert f"\n## [{package.version()}]" in (REPOSITORY / "CHANGELOG.md").read_text()


# --- the tables -------------------------------------------------------------------------------


def keywords_of(module: str, name: str) -> dict[str, str]:
    """Each option of a class with its default, as source text; constants of modules as values."""
    source = ast.parse((build.LIBRARY / "plexus" / f"{module}.py").read_text())
    (found,) = [node for node in source.body if getattr(node, "name", "") == name]
    assert isinstance(found, ast.ClassDef)
    (init,) = [node for node in found.body if getattr(node, "name", "") == "__init__"]
    assert isinstance(init, ast.FunctionDef)
    arguments = init.args
    names = [argument.arg for argument in arguments.args][-len(arguments.defaults or ()) :]
    pairs = list(zip(names, arguments.defaults, strict=True)) if arguments.defaults else []
    pairs += [
        (argument.arg, default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    ]
    return {argument: ast.unparse(default) for argument, default in pairs}


def defaults_of_the_client() -> dict[str, str]:
    """The same of Plexus, which takes any keyword: assemble.py has the table of its options."""
    source = ast.parse((build.LIBRARY / "plexus" / "assemble.py").read_text())
    (table_of_them,) = [
        node.value
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_DEFAULTS"
    ]
    assert isinstance(table_of_them, ast.Dict)
    pairs = zip(table_of_them.keys, table_of_them.values, strict=True)
    return {ast.literal_eval(name): ast.unparse(default) for name, default in pairs if name}


@pytest.mark.parametrize(
    ("page", "header", "options"),
    [
        pytest.param(CLIENT_PAGE, "| Keyword |", defaults_of_the_client(), id="Plexus"),
        pytest.param(CLOCK, "| Option |", keywords_of("clock/__init__", "Clock"), id="Clock"),
    ],
)
def test_options_and_their_defaults_are_the_constructors(
    page: Path, header: str, options: dict[str, str]
) -> None:
    from plexus.clock import HOSTS

    documented = {}
    for keyword, default, meaning in rows(page, header):
        documented[keyword.strip("`")] = ast.unparse(ast.parse(default.strip("`"), mode="eval"))
        assert meaning, keyword
    assert documented == {
        keyword: repr(HOSTS) if default == "HOSTS" else default
        for keyword, default in options.items()
    }
    assert list(documented) == list(options), "in another order"


def test_attributes_on_the_pages_are_those_there_are() -> None:
    px = Plexus("plx_test", "dev-1")
    for cells in rows(CLIENT_PAGE, "| Attribute |"):
        assert hasattr(px, cells[0].strip("`")), cells[0]
    clock = Clock(())
    for cells in rows(CLOCK, "| Attribute |"):
        name, bracket, arguments = cells[0].strip("`").partition("(")
        assert hasattr(clock, name), name
        if bracket:
            assert inspect.signature(getattr(clock, name)).parameters.keys() == set(
                re.findall(r"\w+", arguments)
            )


def statuses(answer: str) -> set[int]:
    """The statuses that a row of the table of verdicts is about."""
    found: set[int] = set()
    numbers = r"\b([1-5]\d\d)\b(?: to ([1-5]\d\d))?"
    for first, last in re.findall(numbers, answer.partition(" with ")[0]):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_verdicts_on_the_page_are_those_of_judge() -> None:
    names = {
        getattr(verdict, name): name for name in dir(verdict) if name.isupper() and name[0] != "_"
    }
    answers = rows(RELIABILITY, "| Answer |")
    told: set[int] = set()
    for answer, name, _, _ in answers:
        if answer.startswith("none"):
            assert name.strip("`") == "FAILED"  # an OSError: see delivery.py
            continue
        others = answer == "any other 4xx"
        about = set(range(400, 500)) - told if others else statuses(answer)
        body = re.search(r"with `(.*?)`", answer)
        parsed = None
        if body is not None and body[1] != "<html>":
            parsed = json.loads(body[1])
        assert about, answer
        told |= about
        for status in about:
            assert names[verdict.judge(status, parsed, 10)] == name.strip("`"), (status, answer)
    assert told == set(range(200, 600))


def test_waits_on_the_page_are_those_of_retry() -> None:
    class Draw:
        number = 0

        def __call__(self, size: int) -> bytes:
            return self.number.to_bytes(size, "big")

    units = {"s": 1000, "min": 60000}
    kinds: dict[str, Any] = {"back-off": verdict.FAILED, "long back-off": verdict.REFUSED}
    for kind, first, maximum in rows(RELIABILITY, "| | First bound |"):
        draw = Draw()
        policy = verdict.Retry(draw)
        bound_ms, most_ms = (
            int(number) * units[unit]
            for number, unit in (cell.split() for cell in (first, maximum))
        )
        for _ in range(12):
            # Random numbers up to the bound are waits, the next one is 0 again.
            failures = policy._failures
            for number, wait_ms in ((bound_ms + 1, 0), (bound_ms, bound_ms)):
                policy._failures = failures
                draw.number = number
                policy.failed(kinds[kind], 0)
                assert policy.wait_ms(0) == wait_ms, (kind, bound_ms)
            bound_ms = min(2 * bound_ms, most_ms)
        assert bound_ms == most_ms


def test_bytes_of_a_reading_on_the_page_are_those_of_the_ring() -> None:
    now = [ticks_ms()]
    clock = Clock((), ticks=lambda: now[0])
    for text, size in rows(MEMORY, "| Value |"):
        px = Plexus("plx_test", "dev-1", clock=clock)
        value = ast.literal_eval(text.strip("`"))
        used = []
        for _ in range(4):
            now[0] = (now[0] + 1000) & 0x3FFFFFFF
            px.send("n", value)
            used.append(px.buffer.ring.used)
        assert used[3] - used[2] == int(size), text


def test_times_that_a_ring_holds_are_its_bytes_over_four() -> None:
    for size, words in rows(MEMORY, "| `ring_bytes` |"):
        hours = re.search(r"(\d+) hours", words)
        minutes = re.search(r"(\d+) minutes", words)
        told = 60 * int(hours[1] if hours else 0) + int(minutes[1] if minutes else 0)
        assert told == int(size) // 4 // 60, words


def test_figures_that_are_quick_to_measure_are_still_so() -> None:
    with Lab() as lab:
        sections = table.collect(lab, [measurements.ring, measurements.wire])
    for section in sections:
        assert section.title in BENCHMARKS.read_text()
        for row in section.rows:
            figure = rf"{re.escape(row.what)} +{row.unit} +{re.escape(table.number(row.ours))} "
            assert re.search(figure, BENCHMARKS.read_text()), f"run make bench: {row}"
