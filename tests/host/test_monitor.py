"""The monitor: tracebacks with their source, what a board may show, keys, status."""

import ast
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.virtual_board import Boards
from tools.__main__ import main
from tools.board_link import tracebacks
from tools.build import LIBRARY, REPOSITORY, compile_file, device_files
from tools.commands import monitor
from tools.commands.monitor import Screen
from tools.short_names import module_name, short_names

CLIENT = LIBRARY / "plexus" / "client.py"
FIRMWARE = REPOSITORY / "firmware"


def line_of(path: Path, text: str) -> int:
    """The number of the first line with this in it."""
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


# --- frames -----------------------------------------------------------------------------------


def test_frame_is_followed_by_its_source() -> None:
    number = line_of(CLIENT, "self._goal = ring.next")
    frame = f'  File "plexus/client.py", line {number}, in tick'
    assert tracebacks.source_of(frame) == "self._goal = ring.next"


@pytest.mark.parametrize(
    ("name", "path", "text", "function"),
    [
        (
            "firmware/supervisor.py",
            REPOSITORY / "firmware" / "supervisor.py",
            "machine.reset()",
            "run",
        ),
        ("main.py", REPOSITORY / "firmware" / "main.py", "run()", "<module>"),
        ("/main.py", REPOSITORY / "firmware" / "main.py", "run()", "<module>"),
        ("/lib/plexus/client.py", CLIENT, "self._finish()", "tick"),
    ],
)
def test_all_of_the_program_is_found(name: str, path: Path, text: str, function: str) -> None:
    number = line_of(path, text)
    source = tracebacks.source_of(f'  File "{name}", line {number}, in {function}')
    assert source is not None
    assert text in source


@pytest.mark.parametrize(
    "line",
    [
        "plexus: ok",
        '  File "mine.py", line 3, in f',
        '  File "plexus/../../tools/build.py", line 3, in <module>',
        '  File "/etc/passwd", line 1, in <module>',
        '  File "plexus/client.py", line 99999, in tick',
    ],
)
def test_line_without_a_source_of_ours_is_left_alone(line: str) -> None:
    assert tracebacks.source_of(line) is None


def test_another_version_of_a_file_shows_no_wrong_line() -> None:
    number = line_of(CLIENT, "self._goal = ring.next")
    assert tracebacks.source_of(f'  File "plexus/client.py", line {number}, in _begin') is None


def test_frame_without_line_numbers_shows_the_function() -> None:
    assert tracebacks.source_of('  File "plexus/client.py", line 1, in _begin') == (
        "def _begin(self):"
    )


# --- names that a board has -------------------------------------------------------------------


def private_method(path: Path) -> tuple[str, str, int]:
    """A method's private name, what stands for it on a board, and the line that it begins at."""
    found = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name in short_names().shared
    ]
    names = [node.name for node in found]
    node = next(node for node in found if names.count(node.name) == 1)
    return node.name, short_names().shared[node.name], node.lineno


def test_frame_of_a_board_is_told_in_our_names() -> None:
    name, short, number = private_method(CLIENT)
    assert tracebacks.annotated(f'  File "plexus.client", line {number}, in {short}').startswith(
        f'  File "plexus/client.py", line {number}, in {name}\n    def {name}('
    )


def test_frame_of_a_board_without_line_numbers_is_told_in_our_names() -> None:
    name, short, _ = private_method(CLIENT)
    assert tracebacks.annotated(f'  File "plexus.client", line 1, in {short}').startswith(
        f'  File "plexus/client.py", line 1, in {name}\n    def {name}('
    )


def test_frame_of_another_version_keeps_the_name_of_its_function() -> None:
    _, short, number = private_method(CLIENT)
    frame = f'  File "plexus.client", line {number - 1}, in {short}'
    assert tracebacks.annotated(frame) == frame.replace("plexus.client", "plexus/client.py")


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("plexus", "plexus/__init__.py"),
        ("plexus.sensors.bme280", "plexus/sensors/bme280.py"),
        ("firmware.supervisor", "firmware/supervisor.py"),
    ],
)
def test_file_of_a_module_is_found(module: str, file: str) -> None:
    shown = tracebacks.annotated(f'  File "{module}", line 1, in <module>')
    assert shown.startswith(f'  File "{file}", line 1, in <module>\n    ')


@pytest.mark.parametrize("module", ["mine", "plexus.mine", "tools.build", "main.mine"])
def test_module_that_is_not_ours_is_left_alone(module: str) -> None:
    frame = f'  File "{module}", line 1, in f'
    assert tracebacks.annotated(frame) == frame


def test_name_that_an_error_tells_is_ours() -> None:
    name, short, number = private_method(CLIENT)
    frame = f'  File "plexus.client", line {number}, in {short}\n'
    error = f"AttributeError: 'Plexus' object has no attribute '{short}'"
    assert tracebacks.annotated(frame + error).endswith(error.replace(short, name))


def test_without_a_traceback_a_word_is_left_alone() -> None:
    _, short, _ = private_method(CLIENT)
    assert tracebacks.annotated(f"AttributeError: '{short}'") == f"AttributeError: '{short}'"


def test_places_of_a_crash_are_told_in_our_names() -> None:
    name, short, number = private_method(CLIENT)
    words = f"ValueError: x; client:{number} {{}} < device:1 run, 'a'"
    assert tracebacks.annotated(words.format(short)) == words.format(name)


def test_name_in_a_frame_that_comes_in_pieces_is_ours() -> None:
    name, short, number = private_method(CLIENT)
    frame = f'  File "plexus.client", line {number}, in {short}\r\n'
    screen = Screen()
    shown = "".join(screen.feed(frame[at : at + 1].encode()) for at in range(len(frame)))
    assert f'  File "plexus/client.py", line {number}, in {name}\r\n' in shown


def test_prompt_is_shown_at_once() -> None:
    screen = Screen()
    assert screen.feed(b">>> ") == ">>> "
    assert screen.feed(b"F") == "F"


# --- compiled code ----------------------------------------------------------------------------


def test_traceback_of_real_short_named_code_is_readable(tmp_path: Path) -> None:
    from tools.artifacts import micropython

    for root, folder in ((LIBRARY, LIBRARY / "plexus"), (REPOSITORY, FIRMWARE)):
        for path in device_files(folder):
            if path.name in ("boot.py", "main.py", "manifest.py"):
                continue
            name = path.relative_to(root)
            target = (tmp_path / name).with_suffix(".mpy")
            compile_file(path, target, "none", module_name(name), lines=True, short=True)
    (tmp_path / "program.py").write_text(
        "from firmware.traceback_text import described\ndescribed(ValueError(), [1])\n"
    )
    result = micropython.run("program", search_path=[tmp_path])
    shown = tracebacks.annotated(result.stderr or result.stdout)
    assert re.search(r'File "firmware/traceback_text.py", line \d+, in described\n +\S', shown), (
        shown
    )


def test_traceback_of_real_compiled_code_is_readable(tmp_path: Path) -> None:
    from tools.artifacts import micropython

    for path in device_files(LIBRARY / "plexus"):
        name = path.relative_to(LIBRARY)
        compiled = (tmp_path / name).with_suffix(".mpy")
        compile_file(path, compiled, "none", name.as_posix(), lines=True)
    (tmp_path / "program.py").write_text(
        "from plexus.delivery.verdict import Retry\nRetry(lambda n: 1 // 0).failed(4, 0)\n"
    )
    result = micropython.run("program", search_path=[tmp_path])
    shown = tracebacks.annotated(result.stderr or result.stdout)
    assert re.search(
        r'File "plexus/delivery/verdict.py", line \d+, in failed\n +wait = int.from_bytes\(', shown
    )


# --- the screen -------------------------------------------------------------------------------


def test_frame_that_comes_in_pieces_is_followed_by_its_source() -> None:
    number = line_of(CLIENT, "self._goal = ring.next")
    frame = f'  File "plexus/client.py", line {number}, in tick'
    screen = Screen()
    shown = "".join(screen.feed(piece.encode()) for piece in (frame[:20], frame[20:], "\r"))
    assert "_goal" not in shown
    shown += screen.feed(b"\nNext\r\n")
    assert shown == f"{frame}\r\n    self._goal = ring.next\r\nNext\r\n"


def test_prompt_may_move_the_cursor_and_nothing_else() -> None:
    assert Screen().feed(b"a\x1b[K\x1b[3D\x08\x1b]0;title\x07\x1b[2J") == (
        "a\x1b[K\x1b[3D\x08?]0;title?\x1b[2J"
    )


def test_escape_sequence_in_two_pieces_is_one() -> None:
    screen = Screen()
    assert screen.feed(b"a\x1b[") == "a"
    assert screen.feed(b"3D") == "\x1b[3D"


def test_character_in_two_pieces_is_one() -> None:
    screen = Screen()
    assert screen.feed("ü".encode()[:1]) + screen.feed("ü".encode()[1:]) == "ü"


# --- a board ----------------------------------------------------------------------------------

SAYS = "import time\nwhile True:\n print('alive')\n time.sleep_ms(20)\n"


def test_lines_are_shown_for_so_long(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    board = virtual_board({"/main.py": SAYS})
    board.wait_for("alive")
    assert main(["monitor", "--port", board.port, "--for", "3"]) == 0
    assert "alive\n" in capsys.readouterr().out
    assert not board.repl


def test_restart_is_shown_from_its_beginning(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    board = virtual_board({"/main.py": "print('once')"})
    board.wait_repl()
    assert main(["monitor", "--port", board.port, "--reset", "--for", "2", "--json"]) == 0
    assert "once" in json.loads(capsys.readouterr().out)["lines"]


def test_source_is_among_the_lines(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    number = line_of(CLIENT, "self._goal = ring.next")
    frame = f'  File "plexus/client.py", line {number}, in tick'
    board = virtual_board(
        {"/main.py": f"import time\nwhile 1:\n print({frame!r})\n time.sleep(.1)"}
    )
    board.wait_for("in tick")
    assert main(["monitor", "--port", board.port, "--for", "3"]) == 0
    assert f"{frame}\n    self._goal = ring.next\n" in capsys.readouterr().out


DEVICE = """
import time
class app: pass
class Device:
    def status(self):
        yield "network", "home, -60 dBm"
        yield "last crash", "Traceback:\\n  File \\"plexus/client.py\\", line 1, in _begin"
import sys
app.device = Device()
sys.modules["firmware.repl"] = app
print("running")
while True: time.sleep_ms(20)
"""


def test_status_is_what_the_device_says(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    board = virtual_board({"/main.py": DEVICE})
    board.wait_for("running")
    assert main(["monitor", "--port", board.port, "--status"]) == 0
    shown = capsys.readouterr().out
    assert "network      home, -60 dBm\n" in shown
    assert "def _begin(self):" in shown
    board.wait_reset(2)  # it runs again


def test_status_for_a_script(virtual_board: Boards, capsys: pytest.CaptureFixture[str]) -> None:
    board = virtual_board({"/main.py": DEVICE})
    board.wait_for("running")
    assert main(["monitor", "--port", board.port, "--status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"]["network"] == "home, -60 dBm"


def test_status_of_a_board_without_the_firmware_is_an_error(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    board = virtual_board()
    assert main(["monitor", "--port", board.port, "--status"]) == 1
    assert "the firmware does not run there" in capsys.readouterr().err


def test_json_needs_an_end() -> None:
    assert main(["monitor", "--json"]) == 2


class Person:
    """Somebody at a terminal in which the monitor runs."""

    def __init__(self, port: str):
        self.end, far = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools", "monitor", "--port", port],
            cwd=REPOSITORY,
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)
        self.seen = ""

    def type(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def see(self, text: str, timeout_s: float = 20) -> None:
        deadline = time.monotonic() + timeout_s
        while text not in self.seen:
            left_s = max(deadline - time.monotonic(), 0)
            assert select.select([self.end], [], [], left_s)[0], f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.end, 4096).decode(errors="replace")

    def ended(self) -> int:
        return self._process.wait(20)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self.end)


@pytest.fixture
def ending() -> Iterator[list[Person]]:
    people: list[Person] = []
    yield people
    for person in people:
        person.close()


def test_keys_go_to_the_board_until_the_end(virtual_board: Boards, ending: list[Person]) -> None:
    board = virtual_board({"/main.py": SAYS})
    board.wait_for("alive")
    person = Person(board.port)
    ending.append(person)
    person.see("Ctrl-] ends")
    person.see("alive\r\n")
    person.type(b"\x03")
    person.see(">>> ")
    person.type(b"print(6 * 7)\r")
    person.see("42\r\n")
    person.type(monitor.END)
    assert person.ended() == 0


def test_monitor_can_be_ended_while_the_port_is_away(tmp_path: Path, ending: list[Person]) -> None:
    end, port = pty.openpty()
    tty.setraw(port)
    person = Person(os.ttyname(port))
    ending.append(person)
    person.see("Ctrl-] ends")
    os.write(end, b"here\r\n")
    person.see("here")
    os.close(end)
    os.close(port)
    person.see("waiting for the port")
    person.type(monitor.END)
    assert person.ended() == 0
