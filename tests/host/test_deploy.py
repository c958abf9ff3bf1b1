"""Deploying to a board: what is copied, what is left alone, and what goes wrong."""

import dataclasses
import json
import os
import pty
import re
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.commands import Outcome, Run
from tests.fixtures.server import ServerView
from tests.virtual_board import VirtualBoard
from tools.__main__ import main
from tools.artifacts import payload
from tools.board_link import device, ports, target
from tools.board_link.device import Device, DeviceError
from tools.board_link.ports import LinkError
from tools.board_link.repl import PART, BoardError, BoardLink

CONFIG = {"api_key": "plx_0123456789abcdef", "source_id": "dev-1", "wifi": []}
HARD, SOFT = 2, 5  # as machine.reset_cause() gives them
XTENSAWIN, RV32IMC, X64, ARMV7M = 10, 11, 2, 5


@pytest.fixture
def whole() -> None:
    """Asks for all files to be deployed."""


@pytest.fixture(autouse=True)
def few_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploys a handful of files, which is faster."""
    if "whole" in request.fixturenames:
        return
    library, program = payload.library, payload.program
    few = re.compile(r"/lib/plexus/(sensors/)?(__init__|client|delivery/verdict|bme280)\.mpy")
    few_of_program = re.compile(r"/\w+\.py|/lib/firmware/config/__init__\.mpy")

    def some(files: dict[str, bytes], pattern: re.Pattern[str]) -> dict[str, bytes]:
        return {path: data for path, data in files.items() if pattern.fullmatch(path)}

    monkeypatch.setattr(payload, "library", lambda arch, lines=True: some(library(arch), few))
    monkeypatch.setattr(
        payload, "program", lambda arch, lines=True: some(program(arch), few_of_program)
    )


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path / "board") as board:
        board.wait_repl()  # its file system is made, with a boot.py of comments
        yield board


@pytest.fixture
def deploy(board: VirtualBoard, command: Run) -> Run:
    """Deploys to the board, by default without a restart."""

    def deploy(*arguments: str, reset: bool = False) -> Outcome:
        words = ["deploy", "--port", board.port, "--json", *arguments]
        if "--lib-only" not in arguments and "--board" not in arguments:
            words += ["--board", "simulated"]
        return command(*words if reset else (*words, "--no-reset"))

    return deploy


def files(board: VirtualBoard) -> dict[str, bytes]:
    """What is in the board's flash, which is off after this."""
    board.stop()
    return board.files()


def put(board: VirtualBoard, **contents: str) -> None:
    """Files of a user's, by their path with __ for /."""
    board.stop()
    board.write_files({f"/{k.replace('__', '/')}.py": v.encode() for k, v in contents.items()})
    board.start()


def code(found: dict[str, bytes]) -> dict[str, bytes]:
    """All but the list of what was deployed."""
    return {path: data for path, data in found.items() if path != target.MANIFEST}


def everything() -> dict[str, bytes]:
    """What a complete deploy to the virtual board leaves there."""
    made = payload.library("x64") | payload.program("x64")
    return made | {payload.BOARD: payload.board("simulated")[1]}


# --- what is copied -------------------------------------------------------------------------


def test_empty_board_gets_everything(board: VirtualBoard, deploy: Run, whole: None) -> None:
    outcome = deploy()
    assert (outcome.status, outcome.said["ok"]) == (0, True), outcome.printed
    found = files(board)
    assert code(found) == everything()
    listed = json.loads(found[target.MANIFEST])
    assert listed["pending"] == {}
    assert {*listed["files"], payload.BOARD} == everything().keys()


def test_deployed_code_runs_on_the_board(board: VirtualBoard, deploy: Run, whole: None) -> None:
    deploy()
    with BoardLink(board.port) as link:
        link.clean()
        assert link.exec("import plexus\nprint(plexus.__file__)") == ("/lib/plexus/__init__.mpy\n")
        with pytest.raises(BoardError) as caught:
            link.exec("plexus.Plexus('', 1)")
    lines = re.findall(r'File "plexus\.\w+", line (\d+)', caught.value.traceback)
    assert max(map(int, lines)) > 1


def test_second_deploy_writes_nothing(board: VirtualBoard, deploy: Run) -> None:
    deploy()
    board.set(cut_after_writes=1)  # the first write would be the end
    outcome = deploy()
    assert outcome.status == 0
    assert (outcome.said["copied"], outcome.said["removed"]) == ([], [])
    assert outcome.said["unchanged"] == len(everything())


def test_only_what_differs_is_copied(board: VirtualBoard, deploy: Run) -> None:
    deploy()
    board.stop()
    same_size = bytes(len(board.files()["/lib/plexus/delivery/verdict.mpy"]))
    board.write_files({"/lib/plexus/delivery/verdict.mpy": same_size})
    board.start()
    outcome = deploy()
    assert outcome.said["copied"] == ["/lib/plexus/delivery/verdict.mpy"]
    assert code(files(board)) == everything()


def test_library_alone_leaves_the_program_as_it_is(board: VirtualBoard, deploy: Run) -> None:
    put(board, main="print('mine')\n")
    starts = len(board.resets)
    outcome = deploy("--lib-only", reset=True)
    assert outcome.status == 0
    assert board.resets[starts:] == [SOFT]  # into the prompt: main.py has not run again
    found = files(board)
    assert found.pop("/main.py") == b"print('mine')\n"
    found.pop("/boot.py")
    assert code(found) == payload.library("x64")


def test_library_alone_keeps_what_the_firmware_has(board: VirtualBoard, deploy: Run) -> None:
    deploy()
    outcome = deploy("--lib-only")
    assert outcome.said["removed"] == []
    assert deploy().said["copied"] == []


def test_file_that_is_no_longer_deployed_is_removed(
    board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = payload.library
    old = {"/lib/plexus/old.mpy": b"old", "/lib/plexus/edited.mpy": b"edited"}
    monkeypatch.setattr(payload, "library", lambda arch, lines=True: library(arch) | old)
    deploy()
    board.stop()
    board.write_files({"/lib/plexus/edited.mpy": b"by its user"})
    board.start()
    monkeypatch.setattr(payload, "library", library)
    outcome = deploy()
    assert outcome.said["removed"] == ["/lib/plexus/old.mpy"]
    assert "/lib/plexus/edited.mpy" in outcome.said["notes"][0]
    assert code(files(board)) == everything() | {"/lib/plexus/edited.mpy": b"by its user"}


def test_source_beside_a_compiled_file_is_removed(board: VirtualBoard, deploy: Run) -> None:
    put(board, lib__plexus__client="old = 1\n", lib__plexus__sensors__bme280="old = 1\n")
    outcome = deploy("--lib-only")
    assert sorted(outcome.said["removed"]) == [
        "/lib/plexus/client.py",
        "/lib/plexus/sensors/bme280.py",
    ]
    found = files(board)
    found.pop("/boot.py")
    assert code(found) == payload.library("x64")


# --- what belongs to the user ---------------------------------------------------------------


def test_files_of_the_user_survive(board: VirtualBoard, deploy: Run) -> None:
    put(board, lib__plexus__sensors__mine="a\n", lib__mine="b\n", plot="c\n", data__log="d\n")
    outcome = deploy()
    assert outcome.status == 0, outcome.said
    found = files(board)
    assert code(found) == everything() | {
        "/lib/plexus/sensors/mine.py": b"a\n",
        "/lib/mine.py": b"b\n",
        "/plot.py": b"c\n",
        "/data/log.py": b"d\n",
    }


@pytest.mark.parametrize("name", ["boot", "main"])
def test_program_of_the_user_is_refused_and_nothing_written(
    name: str, board: VirtualBoard, deploy: Run
) -> None:
    put(board, **{name: "x = 1\n"})
    before = board.files()
    outcome = deploy()
    assert outcome.status == 1
    assert f"/{name}.py" in outcome.said["error"]
    assert "--lib-only" in outcome.said["error"]
    assert files(board) == before


def test_forced_deploy_keeps_the_users_program_beside_it(board: VirtualBoard, deploy: Run) -> None:
    put(board, main="x = 1\n")
    assert deploy("--force").status == 0
    assert code(files(board)) == everything() | {"/main.py.old": b"x = 1\n"}


def test_main_that_is_ours_is_replaced(
    board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = payload.program
    monkeypatch.setattr(
        payload, "program", lambda arch, lines=True: program(arch) | {"/main.py": b"x = 1\n"}
    )
    deploy()
    monkeypatch.setattr(payload, "program", program)
    assert deploy().said["copied"] == ["/main.py"]


def test_program_that_starts_the_rest_comes_last(deploy: Run) -> None:
    assert deploy().said["copied"][-2:] == ["/boot.py", "/main.py"]


def test_main_of_an_interrupted_deploy_is_ours(
    board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, write = payload.program, BoardLink.write

    def write_till_main(link: BoardLink, path: str, data: bytes, wrote: Any = None) -> None:
        write(link, path, data, wrote)
        if path == "/main.py":
            raise LinkError("the cable came off")

    monkeypatch.setattr(
        payload, "program", lambda arch, lines=True: program(arch) | {"/main.py": b"x = 1\n"}
    )
    monkeypatch.setattr(BoardLink, "write", write_till_main)
    assert deploy().status == 1
    monkeypatch.setattr(BoardLink, "write", write)
    monkeypatch.setattr(payload, "program", program)
    outcome = deploy()
    assert outcome.status == 0, outcome.said
    assert code(files(board)) == everything()


def test_module_of_the_user_beside_ours_is_left_alone(board: VirtualBoard, deploy: Run) -> None:
    put(board, lib__mine="mine = 1\n")
    outcome = deploy()
    assert (outcome.status, outcome.said["notes"]) == (0, [])
    assert code(files(board)) == everything() | {"/lib/mine.py": b"mine = 1\n"}


def test_module_that_an_earlier_version_had_beside_its_packages_goes(
    board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = payload.program
    with monkeypatch.context() as patch:
        patch.setattr(
            payload,
            "program",
            lambda arch, lines=True: program(arch) | {"/lib/earlier.mpy": b"x = 1\n"},
        )
        outcome = deploy()
    assert outcome.status == 0, outcome.said
    outcome = deploy()
    assert outcome.said["removed"] == ["/lib/earlier.mpy"]
    assert code(files(board)) == everything()


def test_what_hides_the_library_is_named(board: VirtualBoard, deploy: Run) -> None:
    put(board, plexus="mine = 1\n")
    outcome = deploy()
    assert outcome.status == 1
    assert "/plexus.py" in outcome.said["error"]


def test_library_built_into_micropython_is_not_deployed_over(
    board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.wait_repl()
    execute = BoardLink.exec

    def with_frozen_plexus(link: BoardLink, code: str, timeout_s: float = 10) -> str:
        # A module of the interpreter's own in its place.
        return execute(link, code.replace("import plexus\n", "import asyncio\n"), timeout_s)

    monkeypatch.setattr(BoardLink, "exec", with_frozen_plexus)
    outcome = deploy()
    assert outcome.status == 1
    assert "has plexus built in" in outcome.said["error"]
    assert files(board).keys() == {"/boot.py"}


# --- cut off ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 1, 5, -3, -2, -1])
def test_interrupted_deploy_leaves_whole_files_and_can_be_repeated(
    cut: int, board: VirtualBoard, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = BoardLink.write
    written = 0
    cut %= len(everything()) + 2  # and the list of them, before and after

    def write_and_break(link: BoardLink, path: str, data: bytes, wrote: Any = None) -> None:
        nonlocal written
        if written == cut:
            # Half of it arrives.
            half = data[: len(data) // 2]
            link._help(f"_plexus.open()\n_plexus.file.write({half!r})\n_plexus.file.close()")
            raise LinkError("the cable came off")
        written += 1
        write(link, path, data, wrote)

    monkeypatch.setattr(BoardLink, "write", write_and_break)
    outcome = deploy()
    assert (outcome.status, outcome.said["error"]) == (1, "the cable came off")
    for path, data in code(files(board)).items():
        assert path in (PART, "/boot.py") or data == everything()[path]
    board.start()
    monkeypatch.setattr(BoardLink, "write", write)
    outcome = deploy()
    assert outcome.status == 0, outcome.said
    assert code(files(board)) == everything()


def test_power_cut_leaves_whole_files_and_can_be_repeated(
    board: VirtualBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board.cut_power_after(40)
    words = ["deploy", "--port", board.port, "--board", "simulated", "--no-reset"]
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(main(words)))
    thread.start()
    board.wait_off(60)
    board.close()  # as the port of a chip with USB of its own
    thread.join(60)
    assert statuses == [1]
    assert board.port in capsys.readouterr().err
    for path, data in code(board.files()).items():
        assert path in (PART, "/boot.py") or data == everything()[path]
    with VirtualBoard(tmp_path / "board") as again:
        words[2] = again.port
        assert main(words) == 0
        assert code(files(again)) == everything()


def test_full_file_system_is_found_before_anything_is_written(
    board: VirtualBoard, deploy: Run
) -> None:
    board.stop()
    before = board.files()
    board.write_files({"/big.bin": bytes(2_060_000)})
    board.start()
    outcome = deploy()
    assert outcome.status == 1
    assert "KiB free" in outcome.said["error"]
    assert files(board) == before | {"/big.bin": bytes(2_060_000)}


# --- settings --------------------------------------------------------------------------------


def test_board_that_does_not_know_what_it_is_has_to_be_told(
    board: VirtualBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "--port", board.port]) == 1
    assert "--board" in capsys.readouterr().err
    assert files(board).keys() == {"/boot.py"}


def test_profile_and_configuration_stay_when_not_given_again(
    board: VirtualBoard, deploy: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    assert deploy("--board", "esp32-devkitc-v4", "--config", str(config)).said["configured"]
    assert main(["deploy", "--port", board.port, "--no-reset"]) == 0
    found = files(board)
    assert json.loads(found["/plexus.json"]) == CONFIG
    assert json.loads(found["/board.json"])["name"] == "esp32-devkitc-v4"


def test_wrong_configuration_is_refused_without_its_values(
    board: VirtualBoard, deploy: Run, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    wifi = [{"ssid": "home", "password": "secret\n" * 40}]
    config.write_text(json.dumps(CONFIG | {"wifi": wifi}))
    outcome = deploy("--config", str(config))
    assert outcome.status == 1
    assert "wifi[0].password" in outcome.said["error"]
    assert "secret" not in outcome.printed
    assert files(board).keys() == {"/boot.py"}


def test_configuration_that_does_not_fit_the_boards_ram_is_refused_before_a_write(
    board: VirtualBoard, deploy: Run, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG | {"ring_bytes": 200_000}))
    bare = ("--board", "esp32-devkitc-v4", "--config", str(config))
    refused = deploy(*bare)
    assert refused.status == 1
    assert "ring_bytes: 200000 leaves" in refused.said["error"]
    wanted = deploy(*bare, "--anyway")
    assert wanted.status == 0
    assert any("ring_bytes: 200000 leaves" in note for note in wanted.said["notes"])
    # The board has its profile now; it need not be told again.
    again = deploy_to_known_board(board, config)
    assert again == 1
    assert json.loads(files(board)["/plexus.json"])["ring_bytes"] == 200_000


def deploy_to_known_board(board: VirtualBoard, config: Path) -> int:
    return main(["deploy", "--port", board.port, "--no-reset", "--json", "--config", str(config)])


def test_configuration_is_never_printed(board: VirtualBoard, deploy: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    assert CONFIG["api_key"] not in deploy("--config", str(config)).printed


def test_unknown_board_is_answered_with_those_that_there_are(deploy: Run) -> None:
    outcome = deploy("--board", "esp33")
    assert outcome.status == 1
    assert "lolin-c3-mini" in outcome.said["error"]


def test_library_alone_takes_no_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--lib-only", "--board", "simulated"]) == 2
    assert "--lib-only" in capsys.readouterr().err


# --- after the restart -----------------------------------------------------------------------


@pytest.fixture
def program_says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the deployed main.py one that says this."""
    program = payload.program

    def says(text: str) -> None:
        source = f"print({text!r})\n".encode()
        monkeypatch.setattr(
            payload, "program", lambda arch, lines=True: program(arch) | {"/main.py": source}
        )

    return says


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def test_waits_for_the_first_readings(
    board: VirtualBoard, deploy: Run, config: str, program_says: Callable[[str], None]
) -> None:
    program_says("plexus: first readings confirmed")
    outcome = deploy("--config", config, reset=True)
    assert (outcome.status, outcome.said["confirmed"]) == (0, True)
    assert board.resets[-1] == HARD


def test_says_what_the_board_said_when_no_readings_come(
    deploy: Run, config: str, program_says: Callable[[str], None]
) -> None:
    program_says("plexus: the network home is not in the air\x1b[2J")
    outcome = deploy("--config", config, "--wait", "2", reset=True)
    assert (outcome.status, outcome.said["confirmed"]) == (1, False)
    assert "the network home is not in the air?[2J" in outcome.said["error"]


def test_does_not_wait_for_a_board_without_configuration(board: VirtualBoard, deploy: Run) -> None:
    outcome = deploy(reset=True)
    assert (outcome.status, outcome.said["configured"], outcome.said["confirmed"]) == (
        0,
        False,
        None,
    )
    board.wait_reset(HARD)


def test_real_firmware_confirms_its_first_readings(
    board: VirtualBoard, deploy: Run, server: ServerView, tmp_path: Path, whole: None
) -> None:
    board.set(networks={"home": {"password": "12345678", "rssi": -60}}, simulated=True)
    path = tmp_path / "plexus.json"
    config = {
        **CONFIG,
        "endpoint": server.device["ingest"],
        "wifi": [{"ssid": "home", "password": "12345678"}],
        "flush_interval_ms": 1000,
    }
    path.write_text(json.dumps(config))
    outcome = deploy("--config", str(path), "--wait", "60", reset=True)
    assert (outcome.status, outcome.said["confirmed"]) == (0, True), outcome.said.get("error")


# --- the connection --------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A serial port that a test answers at: the other end of it, and its path."""
    end, port = pty.openpty()
    tty.setraw(port)
    yield end, os.ttyname(port)
    os.close(end)
    os.close(port)


def test_port_without_micropython_is_said_to_be_silent(terminal: tuple[int, str]) -> None:
    with BoardLink(terminal[1]) as link, pytest.raises(LinkError, match="no MicroPython answers"):
        link.interrupt(0.5)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"still running\r\n", "does not stop for Ctrl-C"),
        (b"invalid header: 0xffffffff\r\n", "has no firmware"),
    ],
)
def test_port_where_something_else_runs_is_told_apart(
    says: bytes, words: str, terminal: tuple[int, str]
) -> None:
    os.write(terminal[0], says)
    with BoardLink(terminal[1]) as link:
        os.write(terminal[0], says)
        with pytest.raises(LinkError, match=words):
            link.interrupt(0.5)


def test_program_is_stopped_whatever_it_prints(board: VirtualBoard) -> None:
    put(board, main="while True:\n print('x' * 50)\n")
    board.wait_for("xxx")
    with BoardLink(board.port) as link:
        assert link.eval("6 * 7") == 42


def test_port_that_is_in_use_is_named(board: VirtualBoard) -> None:
    with BoardLink(board.port), pytest.raises(LinkError, match="in use"):
        BoardLink(board.port)


def test_port_that_is_not_there_is_named() -> None:
    with pytest.raises(LinkError, match="/dev/ttyNONE is not there"):
        BoardLink("/dev/ttyNONE")


def test_port_without_permission_names_the_group() -> None:
    words = ports.port_problem("/dev/null", PermissionError(13, "Permission denied"))
    assert "usermod -a -G" in words


def test_several_ports_have_to_be_chosen_from(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [("/dev/ttyACM0", "ESP32-S3"), ("/dev/ttyUSB0", "CP2102N")]
    monkeypatch.setattr(ports, "ports", lambda: two)
    with pytest.raises(LinkError, match=r"ttyACM0 \(ESP32-S3\), /dev/ttyUSB0 \(CP2102N\)"):
        ports.find_port()


def test_only_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "ports", lambda: [("/dev/ttyACM0", "ESP32-S3")])
    assert ports.find_port() == "/dev/ttyACM0"


def test_no_port_at_all_asks_for_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "ports", list)
    with pytest.raises(LinkError, match="no board is connected"):
        ports.find_port()


def test_what_the_board_raises_is_an_error_here(board: VirtualBoard) -> None:
    with BoardLink(board.port) as link:
        with pytest.raises(BoardError, match="ENOENT") as caught:
            link.read_file("/none")
        assert caught.value.errno == 2
        assert link.eval("1") == 1


def test_board_that_goes_away_is_an_error_in_words(board: VirtualBoard) -> None:
    with BoardLink(board.port) as link:
        link.eval("1")
        board.close()
        with pytest.raises(LinkError, match="the connection broke off"):
            link.eval("2")


def test_file_comes_back_as_it_was_written(board: VirtualBoard) -> None:
    data = bytes(range(256)) * 33 + b"'\\\r\n\x04"
    pieces = []
    with BoardLink(board.port) as link:
        link.mkdir("/a/b")
        link.write("/a/b/c", data, pieces.append)
        link.write("/a/b/empty", b"")
        assert (link.read_file("/a/b/c"), link.read_file("/a/b/empty")) == (data, b"")
        assert {entry.name: entry.size for entry in link.list("/a/b")} == {
            "c": len(data),
            "empty": 0,
        }
    assert sum(pieces) == len(data)


def test_console_is_followed_without_stopping_the_program(board: VirtualBoard) -> None:
    put(board, main="import time\nwhile True:\n print('alive')\n time.sleep_ms(20)\n")
    with BoardLink(board.port) as link:
        assert "alive" in [line for line, _ in zip(link.lines(10), range(3), strict=False)]
    assert not board.repl


def test_console_goes_on_when_the_port_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "port"

    def connect() -> tuple[int, int]:
        end, port = pty.openpty()
        tty.setraw(port)
        (tmp_path / "new").symlink_to(os.ttyname(port))
        (tmp_path / "new").replace(path)
        return end, port

    def close(ends: tuple[int, int]) -> None:
        for end in ends:
            os.close(end)

    first = connect()
    with BoardLink(str(path)) as link:
        os.write(first[0], b"one\r\n")
        lines = link.lines(20)
        assert next(lines) == "one"
        second = connect()
        close(first)
        heard = threading.Event()

        def say_two() -> None:  # till it is heard: what comes before the port is open is lost
            while not heard.wait(0.05):
                os.write(second[0], b"two\r\n")

        thread = threading.Thread(target=say_two)
        thread.start()
        assert next(lines, None) == "two"
        heard.set()
        thread.join()
    close(second)


def test_watchdog_of_the_firmware_gets_time_for_the_deploy(board: VirtualBoard) -> None:
    program = "import machine, firmware\nmachine.WDT(timeout=20000)\nprint('armed')\n"
    put(board, main=program, lib__firmware__watchdog="")
    board.wait_for("armed")
    with BoardLink(board.port) as link:
        link.clean()
        link.eval("1")
    assert (board._wdt_ms or 0) > 3_600_000


# --- what the board can run ------------------------------------------------------------------


def said(arch: int, sub_version: int = 3, version: int = 6, machine: str = "x") -> Device:
    mpy = arch << 10 | sub_version << 8 | version
    return Device("micropython", (1, 28, 0), mpy, machine, 4 << 20, 100_000)


@pytest.mark.parametrize(
    ("arch", "expected"),
    [(XTENSAWIN, "xtensawin"), (RV32IMC, "rv32imc"), (X64, "x64"), (0, "none")],
)
def test_architecture_is_the_boards(arch: int, expected: str) -> None:
    assert device.architecture(said(arch)) == expected


def test_flags_of_an_architecture_do_not_hide_it() -> None:
    assert said(RV32IMC | 1 << 6).arch == "rv32imc"


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (said(XTENSAWIN, sub_version=2), "6.2, mpy-cross writes 6.3.*--bytecode"),
        (said(XTENSAWIN, version=5), "version 5, mpy-cross writes 6.*tools flash"),
        (said(ARMV7M), "armv7m.*--bytecode"),
    ],
)
def test_mismatch_of_compiled_files_has_a_remedy(board: Device, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        device.architecture(board)


def test_bytecode_runs_where_machine_code_would_not() -> None:
    assert device.architecture(said(XTENSAWIN, sub_version=2), bytecode=True) == "none"


@pytest.mark.parametrize(
    ("machine", "mcu"),
    [
        ("Generic ESP32 module with ESP32", "esp32"),
        ("Generic ESP32S3 module with ESP32S3", "esp32s3"),
        ("LOLIN_C3_MINI with ESP32-C3FH4", "esp32c3"),
        ("TinyPICO with ESP32-PICO-D4", "esp32"),
        ("XIAO ESP32C6 with ESP32C6", "esp32c6"),
        ("linux [GCC 14.2.1] version", None),
    ],
)
def test_chip_family_is_read_from_the_machine(machine: str, mcu: str | None) -> None:
    assert said(XTENSAWIN, machine=machine).mcu == mcu


def test_board_with_another_chip_is_refused(deploy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = device.ask
    machine = "Generic ESP32C3 module with ESP32C3"
    monkeypatch.setattr(device, "ask", lambda link: dataclasses.replace(ask(link), machine=machine))
    outcome = deploy("--board", "esp32-devkitc-v4")
    assert outcome.status == 1
    assert "lolin-c3-mini" in outcome.said["error"]


def test_micropython_that_is_too_old_is_refused() -> None:
    class Old(BoardLink):
        port = "p"

        def __init__(self) -> None:
            pass

        def exec(self, code: str, timeout_s: float = 10, heard: Any = None) -> str:
            return "('micropython', (1, 19, 1), 2566, 'ESP32', 0, 1)"

    with pytest.raises(DeviceError, match=r"1\.19\.1 is too old"):
        device.ask(Old())
