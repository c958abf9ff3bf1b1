"""`make bench PORT=...`: what is measured on a board, and what of it stays there: nothing."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.fixtures.virtual_board import Boards
from tests.virtual_board import VirtualBoard
from tools.__main__ import main
from tools.bench import board_files, board_lab, board_measurements
from tools.bench.board_lab import BoardLab, ProgramFailed
from tools.bench.table import Row, Section, Unavailable, as_list
from tools.board_link.output import Console
from tools.board_link.repl import BoardLink
from tools.mock_server.certs import Authority

NETWORK = ("home", "its-password-1234")
AIR = {"home": {"password": NETWORK[1], "rssi": -61}}
HEAP = "2M"
CONFIG = json.dumps(
    {
        "api_key": "plx_its_own",
        "source_id": "its-own",
        "wifi": [{"ssid": NETWORK[0], "password": NETWORK[1]}],
    }
)
OWN = {"/boot.py": "", "/main.py": "print('its own program')\n", "/plexus.json": CONFIG}


@pytest.fixture(autouse=True)
def short_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_lab, "_JOIN_MS", 2000)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    directory = tmp_path_factory.mktemp("board")
    with VirtualBoard(directory, heap=HEAP, networks=AIR) as made:
        yield made


@pytest.fixture(scope="module")
def lab(board: VirtualBoard) -> Iterator[BoardLab]:
    with (
        BoardLink(board.port) as link,
        BoardLab(link, Console(True), address="127.0.0.1", wifi=NETWORK) as made,
    ):
        yield made


def rows(measured: Iterator[Row]) -> dict[str, Row]:
    return {row.what.strip(): row for row in measured}


def figures(measured: Iterator[Row]) -> dict[str, float]:
    return {what: row.ours or 0 for what, row in rows(measured).items()}


# --- what is measured -------------------------------------------------------------------------


def test_imports_are_measured_in_the_order_of_the_packages_table(lab: BoardLab) -> None:
    found = figures(board_measurements.imports(lab))
    names = [name for name in found if re.fullmatch(r"[\w.]+", name)]
    assert names == [name.replace(":", ".") for name in board_files.modules()]
    assert min(found["plexus.readings.ring"], found["firmware.device"]) > 0
    in_all = found["`from plexus import Plexus` in all"]
    assert 0 < in_all < found["all of them"]
    assert in_all == sum(found[name] for name in names[: names.index("plexus.Plexus") + 1])


def test_import_that_fails_is_named_below_those_before(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = ["plexus", "plexus.readings.ring", "plexus.nowhere", "plexus.delivery.verdict"]
    monkeypatch.setattr(board_measurements, "modules", lambda: modules)
    found = rows(board_measurements.imports(lab))
    assert found["plexus.readings.ring"].ours
    assert found["plexus.nowhere"].verdict.startswith("fails: ImportError")
    assert "plexus.delivery.verdict" not in found


def test_client_device_and_agent_are_measured_and_all_four_sensors_read(lab: BoardLab) -> None:
    measured = list(board_measurements.parts(lab))
    assert [row.what for row in measured if row.failure] == []
    heap = [row for row in measured if not row.what.startswith(" ")]
    assert len(heap) == 7
    assert all((row.ours or 0) > 0 for row in heap)
    assert heap[0].what == "a client at its defaults, its ring included"
    assert (heap[0].ours or 0) > 16384


def test_sensor_that_is_not_read_is_named(lab: BoardLab, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [("", 0), ("imported", 1), ("made", 2), ("read", 3), ("sensor", "bme280", "no answer")]
    monkeypatch.setattr(lab, "run", lambda *_: said)
    found = rows(board_measurements._steps(lab, "device", {"imported": "", "read": "r"}))
    assert found["its bme280 was not read"].verdict == "fails: no answer"


def test_systems_heap_is_told_from_the_start_to_the_kept_connection(lab: BoardLab) -> None:
    found = [row.what for row in board_measurements.system_heap(lab) if ": free" in row.what]
    assert [name.removesuffix(": free") for name in found] == [
        "boot",
        "WiFi active",
        "joined",
        "imported",
        "client made",
        "before the handshake",
        "connected",
    ]


def test_board_that_does_not_tell_its_systems_heap_is_said(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "has_esp32", False)
    with pytest.raises(Unavailable, match="no module esp32"):
        list(board_measurements.system_heap(lab))


def test_times_are_those_of_readings_that_the_server_has(lab: BoardLab) -> None:
    lab.go_online()
    lab.server.reset()
    found = rows(board_measurements.times(lab))
    assert list(found) == [
        "send()",
        "a flush of one reading, connection kept",
        "a flush of 200 readings, a reading",
        "connecting and a handshake",
    ]
    # Four flushes of one reading and three of 200, with the connection kept and without.
    assert lab.server.counts()["points"] == 2 * (4 + 3 * 200)


def test_largest_ring_is_searched_up_to_a_bound(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_measurements, "_RING_MOST", 3 * 1024)
    (row,) = board_measurements.ring(lab)
    assert (row.ours, row.failure) == (3 * 1024, "")


def test_ring_whose_readings_do_not_arrive_does_not_work(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.go_online()
    faulty: Callable[[], None] = lambda: lab.server.script({"status": 503, "times": -1})  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(lab.server, "reset", faulty)
        (row,) = board_measurements.ring(lab)
    lab.server.reset()
    assert (row.what, row.ours) == ("with 1,024 B", None)
    assert "503" in row.verdict


def test_lateness_is_that_of_samples_taken_while_readings_are_confirmed(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_measurements, "_LATENESS_S", 2)
    found = figures(board_measurements.lateness(lab))
    late = [ms for name, ms in found.items() if name.startswith("lateness")]
    assert len(late) == 3
    assert late == sorted(late)
    assert found["samples taken of 200"] > 0
    assert found["of them confirmed meanwhile"] > 0


# --- the lab ----------------------------------------------------------------------------------


def test_program_that_fails_keeps_what_it_has_said(lab: BoardLab) -> None:
    with pytest.raises(ProgramFailed, match="KeyError") as failed:
        lab._run("board_stages.stages", (), {})
    assert failed.value.said[0][0] == "boot"


def test_program_that_stands_still_is_ended_by_the_watchdog_and_the_next_one_runs(
    board: VirtualBoard, lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(board.resets)
    with monkeypatch.context() as patch:
        patch.setattr(board_lab, "_SILENT_S", 0.5)
        patch.setattr(board_lab, "_WATCHDOG_MS", 4000)
        patch.setattr(board_lab, "_JOIN_MS", 600000)
        with pytest.raises(ProgramFailed, match="stood still"):
            lab._run("board_online.connect", (), {"wifi": ("nowhere", None)})
    watchdog = 3
    board.wait_reset(watchdog, start=before)
    assert lab.run("board_stages.boot")[0][0] == "boot"


def test_program_that_was_left_by_ctrl_c_is_ended_by_the_next_reset(lab: BoardLab) -> None:
    def press(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab._link.exec("import time\nprint(1)\ntime.sleep(3)", 5, press)
    assert lab.run("board_stages.boot")[0][0] == "boot"


def test_every_program_begins_on_a_board_that_was_reset(board: VirtualBoard, lab: BoardLab) -> None:
    before = len(board.resets)
    lab.run("board_stages.boot")
    hard, soft = 2, 5
    assert board.resets[before:] == [hard, soft]


def test_certificate_is_valid_for_the_address_that_the_board_uses(tmp_path: Path) -> None:
    with board_lab._certificate_for("10.1.2.3"):
        path, _ = Authority(tmp_path).leaf()
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "10.1.2.3" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert "10.1.2.3" in names.get_values_for_type(x509.DNSName)


def test_no_driver_that_is_not_measured_is_put_on_the_board() -> None:
    needed = board_files.needed()
    assert {
        "plexus.client",
        "plexus.agent.agent",
        "plexus.sensors.bme280",
        "firmware.device",
    } <= needed
    assert (
        not {"plexus.sensors.vl53l0x", "firmware.setup.portal", "firmware.setup.provisioning"}
        & needed
    )


# --- the command ------------------------------------------------------------------------------


def bench(board: VirtualBoard, *arguments: str) -> int:
    return main(["bench", "--port", board.port, "--address", "127.0.0.1", *arguments])


@pytest.fixture
def its_own(virtual_board: Boards) -> VirtualBoard:
    """A board with a program and a configuration of its own."""
    return virtual_board(OWN, heap=HEAP, networks=AIR)


def test_command_joins_the_boards_own_network_and_leaves_nothing_behind(
    its_own: VirtualBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    its_own.wait_repl()
    start = len(its_own.resets)
    assert bench(its_own, "--only", "system_heap") == 0
    out = capsys.readouterr().out
    assert re.search(r"^board: .+, MicroPython 1\.\d+\.\d+, \d{4}-\d\d-\d\d$", out, re.MULTILINE)
    assert re.search(r"^  connected: free +B +[\d,]+$", out, re.MULTILINE)
    assert NETWORK[1] not in out
    its_own.wait_reset(2, start=start)
    its_own.wait_repl()
    its_own.stop()
    assert its_own.files() == {path: text.encode() for path, text in OWN.items()}


def test_command_prints_json(its_own: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(its_own, "--only", "system_heap", "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert "MicroPython" in document["machine"]
    (section,) = document["sections"]
    assert section["rows"][0]["what"] == "boot: free"


def test_files_that_are_kept_are_not_written_again(
    its_own: VirtualBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    bench(its_own, "--keep", "--only", "nothing")
    assert "writing" in capsys.readouterr().out
    bench(its_own, "--only", "nothing")
    assert "writing" not in capsys.readouterr().out
    its_own.stop()
    assert set(its_own.files()) == set(OWN)


def test_server_that_is_not_reached_is_said_and_the_rest_is_printed(
    its_own: VirtualBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    bench(its_own, "--only", "system_heap", "--address", "nowhere.example")
    out = capsys.readouterr().out
    assert "boot: free" in out
    assert "the board has joined home, and does not reach this computer at nowhere.example" in out
    assert "--address" in out


@pytest.mark.parametrize(
    ("arguments", "config", "words"),
    [
        (("--ssid", "away"), CONFIG, "no WiFi: away: no access point of that name"),
        (("--ssid", "home", "--password", "wrong"), CONFIG, "no WiFi: home: wrong password"),
        ((), None, "the board has no plexus.json; give a network with --ssid and --password"),
        ((), "{}", "the board has one that is refused"),
    ],
)
def test_without_wifi_it_says_why(
    virtual_board: Boards,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    config: str | None,
    words: str,
) -> None:
    files: dict[str, str | bytes] = {"/plexus.json": config} if config else {}
    board = virtual_board(files, heap=HEAP, networks=AIR)
    bench(board, "--only", "ring", *arguments)
    assert words in capsys.readouterr().out


def test_port_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--port", "/dev/nowhere"]) == 1
    assert "/dev/nowhere is not there" in capsys.readouterr().err


# --- the table --------------------------------------------------------------------------------


def test_figure_that_could_not_be_measured_says_why_in_its_place() -> None:
    rows = [Row("send()", "us", 200), Row("a ring", "B", None, failure="out of memory")]
    text = as_list("board: one", [Section("Times", rows, skipped="no WiFi")])
    assert text.splitlines() == [
        "board: one",
        "",
        "Times",
        "  send()  us  200",
        "  a ring  B     -  fails: out of memory",
        "  skipped: no WiFi",
    ]


def test_unavailable_network_is_looked_for_once(
    lab: BoardLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "_offline", "no WiFi: none")
    monkeypatch.setattr(lab, "_restart", lambda: pytest.fail("the board was reset"))
    with pytest.raises(Unavailable, match="no WiFi: none"):
        lab.run("board_ring.main", 1024, 1, online=True)
