"""What is shipped: the compiled files, the package that mip installs, the roots."""

import functools
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from datetime import date
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from tests.fixtures.patience import patience_s
from tools import build
from tools.artifacts import package, roots

REPOSITORY = build.REPOSITORY
BIN = Path(sys.executable).parent
MICROPYTHON = BIN / "micropython"

# Uses the library as a program would, and prints its version and what reached the ring.
USE = """
import plexus
px = plexus.Plexus("plx_test", "dev-1", endpoint="http://127.0.0.1:9/api/ingest")
px.send("temperature", 21.5)
print(plexus.__version__, px.pending, plexus.__file__)
"""


def micropython(program: str, *search_path: Path) -> str:
    """Run a program with this search path and the frozen modules; returns its stdout."""
    path = ":".join([*map(str, search_path), ".frozen"])
    result = subprocess.run(
        [MICROPYTHON, "-c", program],
        env=os.environ | {"MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=patience_s(60),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# --- compiled files -------------------------------------------------------------------------


def test_every_device_file_compiles_for_the_esp32() -> None:
    assert build.check() > 10


def test_file_that_micropython_cannot_parse_is_named(tmp_path: Path) -> None:
    source = tmp_path / "new.py"
    source.write_text("match 1:\n    case 1:\n        pass\n")
    with pytest.raises(build.BuildError, match=r"new\.py"):
        build.compile_file(source, tmp_path / "new.mpy", "xtensawin")


@pytest.mark.parametrize("arch", ["none", build.host_arch()])
def test_compiled_library_works(arch: str, tmp_path: Path) -> None:
    build.compile_tree(build.LIBRARY, tmp_path, arch)
    version, pending, file = micropython(USE, tmp_path).split()
    assert (version, pending) == (package.version(), "1")
    assert file == f"{tmp_path}/plexus/__init__.mpy"


PARTS = {
    "`Plexus`": """
from plexus import Plexus, PlexusError
px = Plexus("plx_test", "dev-1", endpoint="http://127.0.0.1:9/api/ingest", ntp_hosts=())
px.clock.observe(1700000000000, px.ticks_ms(), 1, "program")
with px.session("s"):
    px.send("temperature", 21.5, tags={"room": "lab"})
    px.send_batch([("a", 1), ("b", [1, 2])], timestamp=1700000000)
    px.send_at(px.ticks_ms(), "c", "text")
try:
    px.flush()
except PlexusError as error:
    assert "refused" in str(error), error
px.tick()
assert px.pending == 4 and "refused" in px.status, px.status
px.diagnostics()
Plexus("plx_test", "dev-1", endpoint="https://127.0.0.1:9/api/ingest")
""",
    "also sensors or `Board`": """
from plexus import Plexus
from plexus.sensors import Sampler, driver_class
px = Plexus("plx_test", "dev-1")
sampler = Sampler(px)
sampler.add(driver_class("system")())
sampler.tick()
assert px.pending
""",
    "also `Agent`": """
from plexus import Agent, Plexus
px = Plexus("plx_test", "dev-1")
Agent(px, url="ws://127.0.0.1:9/")
""",
}


def parts() -> dict[str, str]:
    """What docs/client.md says that one needs: use -> folders."""
    text = (REPOSITORY / "docs" / "client.md").read_text()
    section = text.split("## A part of the library")[1].split("\n## ")[0]
    rows = [row.strip("|").split("|") for row in section.splitlines() if row.startswith("| ")]
    return {use.strip(): folders.replace("`", "") for use, folders in rows[1:]}


@pytest.mark.parametrize("use", PARTS)
def test_part_of_the_library_works_without_the_rest(use: str, tmp_path: Path) -> None:
    source = build.LIBRARY / "plexus"
    part = tmp_path / "plexus"
    part.mkdir()
    for file in source.glob("*.py"):
        shutil.copy(file, part)
    for folder in parts()[use].split():
        shutil.copytree(source / folder, part / folder)
    micropython(PARTS[use], tmp_path)


def test_every_part_on_the_page_is_tried() -> None:
    assert list(parts()) == list(PARTS)


def test_build_command_writes_a_tree_for_the_board(tmp_path: Path) -> None:
    assert build.main(["--arch", "xtensawin", "--out", str(tmp_path)]) == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mpy")}
    listed = {target for target, _ in json.loads(package.text())["urls"]}
    assert made == {name.replace(".py", ".mpy") for name in listed if name.endswith(".py")}


def test_build_removes_what_is_gone_and_nothing_else(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in ("a.py", "b.py"):
        (source / name).write_text("x = 1\n")
    build.compile_tree(source, target, "none")
    (target / "notes.txt").write_text("mine")
    (source / "a.py").unlink()
    build.compile_tree(source, target, "none")
    assert {path.name for path in target.iterdir()} == {"b.mpy", "notes.txt"}


def test_viper_becomes_bytecode_without_an_architecture(tmp_path: Path) -> None:
    source, compiled = tmp_path / "fast.py", tmp_path / "compiled" / "fast.mpy"
    source.write_text(
        "import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n"
    )
    build.compile_file(source, compiled, "none")
    output = micropython("import fast; print(fast.f(2**70))", compiled.parent)
    assert int(output) == 2**70 + 1


# --- the package ----------------------------------------------------------------------------


def test_package_lists_the_files_of_the_library_and_its_version() -> None:
    assert package.TARGET.read_text() == package.text(), "run: python -m tools.artifacts.package"
    listed = json.loads(package.text())
    assert ["plexus/__init__.py", "lib/plexus/__init__.py"] in listed["urls"]
    assert not [name for name, _ in listed["urls"] if name.endswith(".pyi")]


@pytest.fixture
def repository_url() -> Iterator[str]:
    """The repository's files over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(REPOSITORY))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_micropythons_own_mip_installs_the_package(repository_url: str, tmp_path: Path) -> None:
    url = f"{repository_url}/package.json"
    micropython(f"import mip; mip.install({url!r}, target={str(tmp_path)!r})")
    version, pending, file = micropython(USE, tmp_path).split()
    assert (version, pending) == (package.version(), "1")
    assert file == f"{tmp_path}/plexus/__init__.py"


@pytest.fixture
def serial_port() -> Iterator[str]:
    """The path of a serial port with a MicroPython REPL behind it, as a board's is."""
    repl, repl_terminal = pty.openpty()
    port, port_terminal = pty.openpty()
    for end in (repl_terminal, port_terminal):
        tty.setraw(end)
    process = subprocess.Popen(
        [MICROPYTHON, "-i", "-c", ""],
        stdin=repl_terminal,
        stdout=repl_terminal,
        stderr=repl_terminal,
        env=os.environ | {"MICROPYPATH": ".frozen"},
    )
    stop, stopped = os.pipe()

    def bridge() -> None:
        while True:
            ready, _, _ = select.select([repl, port, stop], [], [])
            if stop in ready:
                return
            for end in ready:
                os.write(port if end == repl else repl, os.read(end, 4096))

    thread = threading.Thread(target=bridge)
    thread.start()
    yield os.ttyname(port_terminal)
    os.close(stopped)
    thread.join()
    process.kill()
    process.wait()
    for end in (repl, repl_terminal, port, port_terminal, stop):
        os.close(end)


def test_mpremote_installs_the_package_over_a_serial_port(serial_port: str, tmp_path: Path) -> None:
    # `resume`: without the soft reset, at which the Unix port would end.
    command = [BIN / "mpremote", "connect", serial_port, "resume", "mip", "install"]
    command += ["--target", str(tmp_path), str(package.TARGET)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=patience_s(120))
    assert result.returncode == 0, result.stdout + result.stderr
    assert micropython(USE, tmp_path).split()[:2] == [package.version(), "1"]


# --- the roots ------------------------------------------------------------------------------


def test_shipped_roots_are_what_the_generator_writes() -> None:
    assert roots.TARGET.read_text() == roots.module(), "run: python -m tools.artifacts.roots"


def test_shipped_roots_are_certificate_authorities_in_force() -> None:
    for label, der in roots.roots().items():
        certificate = x509.load_der_x509_certificate(der)
        print(f"{label:14} {len(der):5} B  till {roots.expiry(der)}")
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.value.ca
        certificate.verify_directly_issued_by(certificate)
        assert roots.expiry(der) > date.today(), f"{label} has expired"
