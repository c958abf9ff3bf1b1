"""The doctor: each trouble is found and named, with a remedy, and nothing else is."""

import functools
import json
from collections.abc import Callable
from typing import Any

import pytest

from firmware import wifi_reasons
from firmware.setup import connection_test
from plexus.delivery.bounded_socket import CONNECT, SECURE
from tests.fixtures.commands import KEY, PASSWORD, Outcome, Run
from tests.fixtures.server import ServerView, TlsView
from tests.fixtures.virtual_board import Boards
from tests.virtual_board import VirtualBoard, flash
from tools.__main__ import main
from tools.artifacts import payload
from tools.board_link import device
from tools.board_link.target import MANIFEST
from tools.commands import diagnosis, image, settings
from tools.commands.diagnosis import Live, Static, diagnose
from tools.mock_server import MockServer
from tools.short_names import short_names

HOME = {"home": {"password": PASSWORD, "rssi": -60}}

settings.find_library()


# --- what is concluded ------------------------------------------------------------------------


def whole(**more: Any) -> Static:
    """A board on which all is in order."""
    good: dict[str, Any] = {
        "mcu": "esp32",
        "heap_free": 160_000,
        "space_free": 1_000_000,
        "version": "1",
        "our_version": "1",
        "board": ("esp32-devkitc-v4", "esp32"),
    }
    return Static(**(good | more))


def well(**more: Any) -> Live:
    """A device that does well."""
    good: dict[str, Any] = {
        "ran_ms": 60000,
        "network": ("connected", "home, -60 dBm", None),
        "server": "ok; 0 pending",
        "counts": (10, 0, 0, 0),
        "clock": (True, "ntp", ""),
        "sensors": {"bme280": "ok"},
        "heap_free": 40000,
        "cause": "power-on",
    }
    return Live(**(good | more))


def concluded(static: Static, live: Live | None, *said: str) -> list[diagnosis.Finding]:
    return list(diagnose(static, live, list(said), 45))


def test_nothing_is_wrong_with_a_board_that_does_well() -> None:
    assert concluded(whole(), well()) == []


@pytest.mark.parametrize(
    ("static", "what", "problem", "remedy"),
    [
        ({"is_esp32": False}, "chip", "no ESP32", "connect one"),
        ({"program": "none", "config": "none"}, "program", "not on this board", "deploy --board"),
        ({"program": "library"}, "program", "only the module", "deploy"),
        (
            {"program": "partly", "files": ["/a", "/b", "/c", "/d"]},
            "program",
            "/a, /b, /c and 1 more are missing",
            "deploy",
        ),
        ({"program": "changed", "files": ["/a"]}, "program", "/a is not as deployed", "deploy"),
        (
            {"program": "hidden", "config_words": "SyntaxError: invalid"},
            "program",
            "cannot be loaded: SyntaxError",
            "deploy",
        ),
        ({"version": "0"}, "version", "plexus 0 is on the board, and here it is 1", "deploy"),
        ({"heap_free": 30000}, "memory", "30000 B", "PSRAM"),
        ({"space_free": 4096}, "space", "4096 B free", "mpremote rm"),
        ({"board": None}, "profile", "no profile", "--board"),
        ({"board": ("lolin-c3-mini", "esp32c3")}, "profile", "its chip is an esp32", "--board"),
        ({"config": "none"}, "configuration", "no configuration", "provision"),
        (
            {"config": "refused", "config_words": "wifi[0].ssid: missing"},
            "configuration",
            "wifi[0].ssid: missing",
            "provision --replace",
        ),
        ({"reset_cause": 3}, "watchdog", "stood still", "monitor"),
        (
            {"crash": {"what": "ValueError: x", "trace": "Traceback", "told": False}},
            "crash",
            "it has crashed: ValueError: x\nTraceback",
            "deploy",
        ),
    ],
)
def test_what_lies_there_is_looked_at(
    static: dict[str, Any], what: str, problem: str, remedy: str
) -> None:
    (finding,) = concluded(whole(**static), well())
    assert (finding.what, finding.wrong) == (what, True)
    assert problem in finding.problem
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("live", "what", "problem", "remedy"),
    [
        (
            {"network": ("trouble", "x; again in 3 s", "home: wrong password")},
            "network",
            "home: wrong password",
            "provision",
        ),
        (
            {"network": ("joining", "joining home", None)},
            "network",
            "joining home",
            "restart the router",
        ),
        (
            {"network": ("trouble", "", "home: no access point found")},
            "network",
            "no access point",
            "5 GHz",
        ),
        (
            {"network": ("trouble", "", f"home: {wifi_reasons.reason(211)}")},
            "network",
            "as secure as the password asks for",
            "provision without a password",
        ),
        (
            {"network": ("trouble", "", f"home: {wifi_reasons.reason(210)}")},
            "network",
            "whose security it knows",
            "offer WPA2",
        ),
        (
            {"network": ("trouble", "", f"password: {wifi_reasons.reason(201)}")},
            "network",
            "password: no access point",
            "5 GHz",
        ),
        (
            {"clock": (False, None, "ntp: timed out"), "counts": (0, 5, 0, 0)},
            "clock",
            "ntp: timed out",
            "UDP port 123",
        ),
        (
            {
                "problem": (401, "no"),
                "server": "the API key is refused (401): check api_key; next try in 3 s; ok",
            },
            "key",
            "the API key is refused (401): check api_key",
            "provision",
        ),
        ({"problem": (402, ""), "server": ""}, "account", "limit is reached (402)", "account"),
        ({"problem": (404, ""), "server": ""}, "server", "no such address", "endpoint"),
        ({"problem": (503, ""), "server": ""}, "server", "failed (503)", "by itself"),
        (
            {"problem": (0, SECURE, "The certificate is not correctly signed by the trusted CA")},
            "tls",
            "",
            "--ca FILE",
        ),
        (
            {"problem": (0, CONNECT, 111), "server": "", "host": "x.y"},
            "server",
            "could not connect to x.y: it refused",
            "firewall",
        ),
        ({"problem": (0, CONNECT, 12), "server": "out of memory"}, "memory", "memory", "ring"),
        ({"counts": (0, 0, 0, 0)}, "delivery", "within 45 s", "--wait"),
        ({"counts": (9, 0, 0, 2)}, "refused", "refused 2 readings", "metric"),
        (
            {"sensors": {"bme280": "OSError: no answer", "a": "ok", "b": "starting"}},
            "sensor",
            "bme280: OSError: no answer",
            "wiring",
        ),
        ({"sensors": {"gps": "MemoryError: no"}}, "memory", "gps: MemoryError", "fewer sensors"),
        ({"buses": ["i2c0: pin taken"]}, "bus", "i2c0", "profile"),
        ({"heap_free": 5000}, "memory", "5000 B", "ring_bytes"),
        ({"cause": "watchdog", "late": ["sampling"]}, "watchdog", "(sampling)", "sensor"),
        ({"safe": True}, "safe mode", "three crashes", "crash"),
    ],
)
def test_what_runs_is_looked_at(live: dict[str, Any], what: str, problem: str, remedy: str) -> None:
    (finding,) = concluded(whole(), well(**live))
    assert (finding.what, finding.wrong) == (what, True)
    assert problem in finding.problem
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("static", "live", "words"),
    [
        ({}, {"counts": (9, 0, 3, 0)}, "3 readings were lost"),
        ({}, {"unknown": [0x29]}, "0x29"),
        ({"crash": {"what": "ValueError", "told": True}}, {}, "it has crashed"),
    ],
)
def test_what_is_only_worth_knowing_is_not_wrong(
    static: dict[str, Any], live: dict[str, Any], words: str
) -> None:
    (finding,) = concluded(whole(**static), well(**live))
    assert not finding.wrong
    assert words in finding.problem


def test_sensor_that_nobody_wants_to_see_is_no_fault() -> None:
    assert concluded(whole(), well(sensors={"bme280": "idle"})) == []


def test_server_is_not_blamed_while_the_network_is_down() -> None:
    down = {"network": ("trouble", "", "home: wrong password"), "problem": (0, CONNECT, -2)}
    assert [f.what for f in concluded(whole(), well(**down))] == ["network"]


def test_device_that_sleeps_is_not_said_to_be_stuck() -> None:
    (finding,) = concluded(whole(sleeps=True), None)
    assert (finding.what, finding.wrong) == ("sleep", False)


def test_last_words_are_told_of_a_firmware_that_does_not_run() -> None:
    (finding,) = concluded(whole(), None, "one", "ImportError: two")
    assert "| ImportError: two" in finding.problem


# --- what is found on a board -----------------------------------------------------------------


class Diagnosis:
    """What a run came to, and its findings by their word."""

    def __init__(self, outcome: Outcome):
        self.status = outcome.status
        self.printed = outcome.printed
        self.said = outcome.said
        self.found = {finding["what"]: finding for finding in self.said["findings"]}


Doctor = Callable[..., Diagnosis]


@pytest.fixture
def doctor(command: Run) -> Doctor:
    def doctor(board: VirtualBoard, wait_s: float = 3) -> Diagnosis:
        return Diagnosis(command("doctor", "--port", board.port, "--json", "--wait", wait_s))

    return doctor


@functools.cache
def program() -> dict[str, bytes]:
    """All that deploy brings."""
    files = payload.library("x64") | payload.program("x64")
    return files | image._deployed(files) | {payload.BOARD: payload.board("simulated")[1]}


@functools.cache
def filesystem() -> bytes:
    return image.file_system(program(), flash.block_count(4))


Set = Callable[..., VirtualBoard]


@pytest.fixture
def configured(virtual_board: Boards, server: ServerView) -> Set:
    """A board with the whole firmware and a configuration, in a world with its network."""

    def configured(world: dict[str, Any] | None = None, **config: Any) -> VirtualBoard:
        good = {
            "api_key": KEY,
            "source_id": "dev-1",
            "endpoint": server.device["ingest"],
            "wifi": [{"ssid": "home", "password": PASSWORD}],
            "flush_interval_ms": 500,
            "sensors": [{"driver": "bme280", "bus": "i2c0", "address": 0x76}],
        }
        bme280 = {"model": "bme280", "bus": "i2c0", "address": 0x76}
        around: dict[str, Any] = {"networks": HOME, "sensors": [bme280]}
        return virtual_board(
            {"/plexus.json": json.dumps(good | config)},
            filesystem=filesystem(),
            heap="300k",
            **(around | (world or {})),
        )

    return configured


def test_empty_board_has_no_program(virtual_board: Boards, doctor: Doctor) -> None:
    outcome = doctor(virtual_board())
    assert outcome.status == 1
    assert outcome.found.keys() == {"program"}


def test_deploy_that_was_cut_off_is_found(virtual_board: Boards, doctor: Doctor) -> None:
    files = {
        path: data
        for path, data in program().items()
        if path != "/lib/firmware/config/__init__.mpy"
    }
    board = virtual_board(filesystem=image.file_system(files, flash.block_count(4)), heap="300k")
    outcome = doctor(board)
    assert "/lib/firmware/config/__init__.mpy is missing" in outcome.found["program"]["problem"]


def test_file_that_was_changed_is_named(virtual_board: Boards, doctor: Doctor) -> None:
    board = virtual_board({"/main.py": "print(1)"}, filesystem=filesystem(), heap="300k")
    outcome = doctor(board)
    assert "/main.py is not as deployed" in outcome.found["program"]["problem"]


def test_list_of_files_that_is_damaged_asks_for_a_deploy(
    virtual_board: Boards, doctor: Doctor
) -> None:
    board = virtual_board({MANIFEST: "{"}, filesystem=filesystem(), heap="300k")
    assert "deploy" in doctor(board).found["program"]["remedy"]


def test_library_of_a_user_is_no_firmware(virtual_board: Boards, doctor: Doctor) -> None:
    board = virtual_board({"/lib/plexus/__init__.py": "__version__ = '0.0.9'"})
    outcome = doctor(board)
    assert "only the module" in outcome.found["program"]["problem"]
    assert "plexus 0.0.9 is on the board" in outcome.found["version"]["problem"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "no configuration"),
        ('{"api_key": "plx_secret"}', "source_id: missing"),
        ("{secret", "no JSON"),
    ],
)
def test_configuration_is_looked_at(
    config: str | None, words: str, virtual_board: Boards, doctor: Doctor
) -> None:
    files: dict[str, str | bytes] = {"/main.py": ""}
    if config:
        files["/plexus.json"] = config
    board = virtual_board(files, filesystem=filesystem(), heap="300k")
    outcome = doctor(board)
    assert words in outcome.found["configuration"]["problem"]
    assert "secret" not in outcome.printed


def test_old_micropython_is_all_that_is_said(
    virtual_board: Boards, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "OLDEST", (9, 0))
    outcome = doctor(virtual_board())
    assert outcome.found.keys() == {"micropython"}
    assert "is too old" in outcome.found["micropython"]["problem"]
    assert "tools flash" in outcome.found["micropython"]["remedy"]


def test_crash_that_was_kept_is_told_with_its_source(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = 'Traceback:\n  File "plexus/client.py", line 1, in _begin\nValueError: x'
    crash = {"what": "ValueError: x", "trace": trace, "told": False, "early": 1, "run": ""}
    board = virtual_board({"/crash.json": json.dumps(crash)})
    assert main(["doctor", "--port", board.port]) == 1
    shown = capsys.readouterr().out
    assert "! crash: it has crashed: ValueError: x\n" in shown
    assert "def _begin(self):" in shown


def test_crash_of_compiled_code_is_told_in_our_names(
    virtual_board: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    short = short_names().shared["_begin"]
    trace = f'Traceback:\n  File "plexus.client", line 1, in {short}\nValueError: x'
    crash = {"what": "ValueError: x", "trace": trace, "told": False, "early": 1, "run": ""}
    board = virtual_board({"/crash.json": json.dumps(crash)})
    assert main(["doctor", "--port", board.port]) == 1
    assert 'File "plexus/client.py", line 1, in _begin\n' in capsys.readouterr().out


def test_port_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--port", "/dev/ttyNONE"]) == 1
    assert "/dev/ttyNONE is not there" in capsys.readouterr().err


# --- what runs --------------------------------------------------------------------------------


def test_device_that_delivers_is_well_and_runs_again(configured: Set, doctor: Doctor) -> None:
    board = configured()
    outcome = doctor(board, 60)
    assert outcome.status == 0, outcome.printed
    start = len(board.console())
    board.wait_for("confirmed", 30, start)


def test_device_that_has_run_is_not_started_again_before_it_is_asked(
    configured: Set, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.commands.doctor._SETTLED_MS", 0)
    board = configured()
    board.wait_for("first readings confirmed", 60)
    hard = board.resets.count(2)
    assert doctor(board).status == 0
    board.wait_reset(2)
    assert board.resets.count(2) == hard + 1


def test_wrong_password_is_found(configured: Set, doctor: Doctor) -> None:
    other = {"home": {"password": "another one", "rssi": -60}}
    outcome = doctor(configured({"networks": other}), 8)
    assert "password" in outcome.found["network"]["problem"]
    assert PASSWORD not in outcome.printed


def test_refused_key_is_found(configured: Set, doctor: Doctor) -> None:
    with MockServer(api_keys=["plx_another"]) as server:
        outcome = doctor(configured(endpoint=server.url + "/api/ingest"), 10)
    assert "(401)" in outcome.found["key"]["problem"]
    assert KEY not in outcome.printed


def test_address_that_takes_the_key_is_named_where_the_boards_is_gone(
    configured: Set, doctor: Doctor, gateway: ServerView
) -> None:
    right = gateway.device["ingest"]
    outcome = doctor(configured(endpoint=gateway.device["url"] + "/api/ingest"), 10)
    found = outcome.found["address"]
    assert f"\n{right} takes the key" in found["problem"]
    assert found["remedy"] == f"python -m tools provision --replace --endpoint {right}"
    assert KEY not in outcome.printed


def test_platforms_two_addresses_stand_for_each_other(
    server: ServerView, platform: ServerView, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"api_key": KEY, "source_id": "dev-1"}
    gone, today = platform.mock.url + "/api/ingest", platform.device["ingest"]
    monkeypatch.setattr(connection_test, "ENDPOINTS", (gone, today))
    assert settings.address_for(config) == today
    assert settings.address_for(config | {"endpoint": gone}) == today
    documented = server.device["ingest"]
    monkeypatch.setattr(connection_test, "ENDPOINTS", (documented, gone))
    assert settings.address_for(config | {"endpoint": gone}) == documented


def test_key_of_another_server_is_shown_to_that_alone(
    server: ServerView, gateway: ServerView, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (server.device["ingest"], server.device["url"] + "/ingest")
    monkeypatch.setattr(connection_test, "ENDPOINTS", known)
    config = {"api_key": KEY, "source_id": "dev-1"}
    for path, address in (("/api/ingest", "/ingest"), ("/x", None), ("/ingest", None)):
        found = settings.address_for(config | {"endpoint": gateway.mock.url + path})
        assert found == (gateway.mock.url + address if address else "")
    assert server.mock.requests() == []


def test_certificate_that_is_not_trusted_is_found(
    configured: Set, doctor: Doctor, tls_server: TlsView
) -> None:
    outcome = doctor(configured(endpoint=tls_server.device["good"]), 10)
    assert "no trusted authority" in outcome.found["tls"]["problem"]


def test_sensor_that_does_not_answer_is_found(configured: Set, doctor: Doctor) -> None:
    sensors = [{"driver": "bme280", "bus": "i2c0", "address": 0x77, "name": "attic"}]
    outcome = doctor(configured(sensors=sensors), 30)
    assert outcome.found["sensor"]["problem"].startswith("attic: ")
