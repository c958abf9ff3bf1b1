"""Provisioning: where settings come from, what a board gets, a fleet, and what is never told."""

import builtins
import functools
import getpass
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.setup import connection_test
from tests.fixtures.commands import KEY, PASSWORD, SETTINGS, Outcome, Run, options
from tests.fixtures.server import ServerView
from tests.fixtures.virtual_board import Boards
from tests.virtual_board import VirtualBoard
from tools.board_link.repl import BoardLink
from tools.build import REPOSITORY
from tools.commands import provision
from tools.mock_server import MockServer

pytestmark = pytest.mark.usefixtures("no_settings")

HARD, SOFT = 2, 5
# As much of the program as writing a configuration needs.
NEEDED = (
    *("firmware/__init__.py", "firmware/atomic_json.py"),
    *(f"firmware/config/{name}.py" for name in ("__init__", "rules", "checks")),
    *("lib/plexus/__init__.py", "lib/plexus/port/__init__.py", "lib/plexus/sensors/__init__.py"),
    *(f"lib/plexus/sensors/sampling/{name}.py" for name in ("__init__", "entry")),
)
BOARD = json.dumps({"name": "simulated", "mcu": "esp32"})


def program(**more: str) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for name in NEEDED:
        files["/lib/" + name.removeprefix("lib/")] = (REPOSITORY / name).read_bytes()
    return files | {"/board.json": BOARD} | {f"/{k}.py": v for k, v in more.items()}


@pytest.fixture
def board(virtual_board: Boards) -> VirtualBoard:
    board = virtual_board(program(), heap="300k")
    board.wait_repl()
    return board


@pytest.fixture
def run(command: Run) -> Run:
    return functools.partial(command, "provision")


@pytest.fixture
def one(board: VirtualBoard, run: Run, server: ServerView) -> Run:
    """Provisions the board with a WiFi and a key, and whatever else is given."""

    def one(*arguments: object, **fields: str | None) -> Outcome:
        given = SETTINGS | {"endpoint": server.device["ingest"]} | fields
        return run("--port", board.port, "--json", "--wait", 0, *options(given), *arguments)

    return one


def files(board: VirtualBoard) -> dict[str, bytes]:
    board.stop()
    return board.files()


def config(board: VirtualBoard) -> dict[str, Any]:
    return json.loads(files(board)["/plexus.json"])


# --- one board --------------------------------------------------------------------------------


def test_board_gets_what_was_given(board: VirtualBoard, one: Run, server: ServerView) -> None:
    outcome = one()
    assert outcome.status == 0, outcome.printed
    assert config(board) == {
        "api_key": KEY,
        "source_id": "dev-1",
        "endpoint": server.device["ingest"],
        "wifi": [{"ssid": "home", "password": PASSWORD}],
    }
    assert outcome.said["source_id"] == "dev-1"
    assert outcome.said["board"] == "simulated"


def test_characters_beyond_16_bits_arrive_as_they_are(board: VirtualBoard, one: Run) -> None:
    outcome = one(wifi_ssid="caf\xe9 \U0001f4f6")
    assert outcome.status == 0, outcome.printed
    assert "caf\xe9 \U0001f4f6".encode() in files(board)["/plexus.json"]


def test_board_restarts_when_it_is_configured(board: VirtualBoard, one: Run) -> None:
    one()
    board.wait_reset(HARD)


def test_secrets_go_to_nvs_if_asked(board: VirtualBoard, one: Run) -> None:
    assert one("--nvs").status == 0
    board.stop()
    for path, data in board.files().items():
        assert KEY.encode() not in data, path
        assert PASSWORD.encode() not in data, path
    stored = json.loads((board.directory / "nvs.json").read_text())
    assert KEY in bytes.fromhex(stored["plexus"]["blob:a"]).decode()


def test_server_is_asked_before_anything_is_written(board: VirtualBoard, one: Run) -> None:
    with MockServer(api_keys=["plx_another"]) as server:
        outcome = one(endpoint=server.url + "/api/ingest")
    assert outcome.status == 1
    assert "the API key is refused (401)" in outcome.said["error"]
    assert "/plexus.json" not in files(board)


def test_program_runs_again_when_nothing_was_written(virtual_board: Boards, one: Run) -> None:
    other = virtual_board(program(main="print('started')"), heap="300k")
    other.wait_repl()
    assert one("--port", other.port, source_id="Wrong").status == 1
    other.wait_for("started", start=other.console().rindex("soft reboot"))


def test_server_that_cannot_be_reached_is_named(board: VirtualBoard, one: Run, closed: int) -> None:
    outcome = one(endpoint=f"http://localhost:{closed}/api/ingest")
    assert outcome.status == 1
    assert "localhost: it refused the connection" in outcome.said["error"]
    assert "/plexus.json" not in files(board)


@pytest.fixture
def closed() -> Iterator[int]:
    """A port at which nobody listens."""
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_key_is_checked_with_a_request_without_points(one: Run, server: ServerView) -> None:
    one()
    counts = server.mock.counts()
    assert (counts["requests"], counts["points"]) == (1, 0)


def test_address_that_takes_the_key_is_kept_where_none_was_given(
    board: VirtualBoard, one: Run, platform: ServerView, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, today = platform.mock.url + "/api/ingest", platform.device["ingest"]
    monkeypatch.setattr(connection_test, "ENDPOINTS", (gone, today))
    assert one(endpoint=None).status == 0
    assert config(board)["endpoint"] == today


def decide(mock: MockServer, decision: str) -> threading.Thread:
    """A person who decides about the next claim."""

    def run() -> None:
        mock.wait_until(lambda mock: bool(mock.claims()))
        mock.decide(mock.claims()[0]["user_code"], decision)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked at once whether a claim is approved, and then again."""
    monkeypatch.setattr("tools.mock_server.claims.INTERVAL_S", 0)
    monkeypatch.setattr("tools.commands.claim._LEAST_S", 0.05)


@pytest.mark.usefixtures("soon")
def test_key_is_claimed_that_a_person_approves(board: VirtualBoard, one: Run) -> None:
    with MockServer("platform", api_keys=["plx_another"]) as mock:
        person = decide(mock, "approved")
        outcome = one("--claim", api_key=None, endpoint=mock.url + "/ingest")
        person.join()
        assert outcome.status == 0, outcome.printed
        (claim,) = mock.claims()
        assert (claim["name"], claim["status"]) == ("dev-1", "delivered")
        assert f"{mock.url}/claim/{claim['user_code']} in a browser" in outcome.printed
        # The server takes it, and nobody has seen it.
        assert [r["key"] for r in mock.requests() if r["method"] == "POST"][1:] == ["accepted"]
    key = config(board)["api_key"]
    assert re.fullmatch("plx_[0-9a-f]{32}", key)
    assert key not in outcome.printed


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("decision", "words"), [("denied", "was denied"), ("expired", "has expired")]
)
def test_claim_without_a_key_writes_nothing(
    decision: str, words: str, board: VirtualBoard, one: Run
) -> None:
    with MockServer("platform") as mock:
        # What a busy server and a bad network say is no answer.
        claims = {"method": "GET", "path": "/api/auth/claim/"}
        mock.script(claims | {"retry_after": 0}, claims | {"reset": True}, claims | {"html": True})
        person = decide(mock, decision)
        outcome = one("--claim", api_key=None, endpoint=mock.url + "/ingest")
        person.join()
    assert outcome.status == 1
    assert words in outcome.said["error"]
    assert "/plexus.json" not in files(board)


def test_server_without_claims_is_told(one: Run, server: ServerView) -> None:
    outcome = one("--claim", api_key=None)
    assert outcome.status == 1
    assert "the server has no claims (404); give an API key" in outcome.said["error"]


def test_claim_is_not_made_beside_a_key_or_with_a_mistake(
    one: Run, server: ServerView, platform: ServerView
) -> None:
    endpoint = platform.device["ingest"]
    assert "leave one of them out" in one("--claim", endpoint=endpoint).said["error"]
    outcome = one("--claim", api_key=None, source_id="Wrong", endpoint=endpoint)
    assert "source_id" in outcome.said["error"]
    assert platform.mock.claims() == []


def test_claims_of_plexus_are_made_at_its_app() -> None:
    from tools.commands.claim import _app

    assert {_app(url) for url in connection_test.ENDPOINTS} == {"https://app.plexus.company"}
    assert _app("http://10.0.0.7:8080/ingest") == "http://10.0.0.7:8080"


def test_key_need_not_be_checked(board: VirtualBoard, one: Run, closed: int) -> None:
    outcome = one("--no-check", endpoint=f"http://localhost:{closed}/api/ingest")
    assert outcome.status == 0
    assert config(board)["api_key"] == KEY


def test_certificate_is_used_for_the_check_and_copied(
    board: VirtualBoard, one: Run, tls_server: Any, tmp_path: Path
) -> None:
    ca = tmp_path / "Mine.DER"
    ca.write_bytes(bytes.fromhex(tls_server.device["ca"]))
    outcome = one("--ca", ca, endpoint=tls_server.device["good"])
    assert outcome.status == 0, outcome.printed
    found = files(board)
    assert json.loads(found["/plexus.json"])["ca_file"] == "ca.der"
    assert found["/ca.der"] == ca.read_bytes()


def test_certificate_of_nobody_known_is_refused(one: Run, tls_server: Any) -> None:
    outcome = one(endpoint=tls_server.device["good"])
    assert outcome.status == 1
    assert "no trusted authority" in outcome.said["error"]


def test_settings_of_a_file_are_kept(board: VirtualBoard, one: Run, tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    path.write_text(json.dumps({"hostname": "shed", "wifi": [{"ssid": "work"}]}))
    assert one("--config", path).status == 0
    found = config(board)
    assert found["hostname"] == "shed"
    assert [network["ssid"] for network in found["wifi"]] == ["home", "work"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "line 1"),
        ("[]", "write an object"),
        ('{"wifi": 3}', "wifi: write a list"),
        ('{"hostnam": "x"}', "hostnam: unknown"),
        ('{"nvs": "a"}', "nvs"),
        ('{"ca_file": "ca.der"}', "--ca"),
    ],
)
def test_file_of_settings_that_is_wrong_is_refused(
    content: str, words: str, one: Run, tmp_path: Path
) -> None:
    path = tmp_path / "base.json"
    path.write_text(content)
    outcome = one("--config", path)
    assert outcome.status == 1
    assert words in outcome.said["error"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("wifi_password", "short", "wifi_password: write a text of 8"),
        ("wifi_password", "\u00e9" * 32, "an accented letter has 2, an emoji 4"),
        ("api_key", "plx_with space", "api_key: it is no key"),
        ("source_id", "Dev 1", "source_id"),
        ("endpoint", "ftp://x", "endpoint"),
        ("board", "esp33", "no board is called"),
        ("source_id", None, "source_id: missing"),
        ("api_key", None, "api_key: missing"),
        ("wifi_ssid", None, "wifi_ssid: missing"),
    ],
)
def test_field_that_is_wrong_or_missing_is_named(
    field: str, value: str | None, words: str, board: VirtualBoard, one: Run
) -> None:
    outcome = one(**{field: value})
    assert outcome.status == 1
    assert words in outcome.said["error"]
    assert field in ("board", "source_id", "endpoint") or (value or "-") not in outcome.printed
    assert "/plexus.json" not in files(board)


def test_environment_gives_what_arguments_do_not(
    board: VirtualBoard, one: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLEXUS_API_KEY", "plx_env")
    monkeypatch.setenv("PLEXUS_SOURCE_ID", "env-1")
    assert one(api_key=None).status == 0
    found = config(board)
    assert (found["api_key"], found["source_id"]) == ("plx_env", "dev-1")


def test_configured_board_is_left_alone(board: VirtualBoard, one: Run) -> None:
    one()
    outcome = one(source_id="dev-2")
    assert outcome.status == 1
    assert "is dev-1 already; --replace" in outcome.said["error"]
    assert config(board)["source_id"] == "dev-1"


def test_configuration_is_replaced_if_asked(board: VirtualBoard, one: Run) -> None:
    one()
    assert one("--replace", source_id="dev-2").status == 0
    assert config(board)["source_id"] == "dev-2"


def test_secrets_in_nvs_stay_there(board: VirtualBoard, one: Run) -> None:
    one("--nvs")
    one("--replace", api_key="plx_second")
    assert "api_key" not in config(board)


def test_board_without_the_firmware_is_told_apart(virtual_board: Boards, run: Run) -> None:
    board = virtual_board()
    board.wait_repl()
    outcome = run("--port", board.port, "--json", "--source-id", "dev-1")
    assert outcome.status == 1
    assert "tools deploy" in outcome.said["error"]


def test_board_that_does_not_know_what_it_is_gets_its_profile(
    board: VirtualBoard, one: Run
) -> None:
    board.stop()
    board.write_files({"/board.json": b"{}"})
    board.start()
    refused = one()
    assert (refused.status, "--board" in refused.said["error"]) == (1, True)
    assert one(board="wt32-eth01", wifi_ssid=None, wifi_password=None).status == 0
    found = files(board)
    assert json.loads(found["/board.json"])["name"] == "wt32-eth01"
    assert "wifi" not in json.loads(found["/plexus.json"])


def test_profile_of_a_users_own_is_left_alone(board: VirtualBoard, one: Run) -> None:
    mine = b'{"name": "mine", "mcu": "esp32", "ethernet": {}}'
    board.stop()
    board.write_files({"/board.json": mine})
    board.start()
    outcome = one(wifi_ssid=None, wifi_password=None)
    assert (outcome.status, outcome.said["board"]) == (0, "mine")
    assert files(board)["/board.json"] == mine


def test_profile_of_another_chip_is_refused(board: VirtualBoard, one: Run) -> None:
    outcome = one(board="lolin-c3-mini")
    assert outcome.status == 1
    assert "has an esp32c3, and this board an esp32" in outcome.said["error"]
    assert "/plexus.json" not in files(board)


def test_configuration_that_does_not_fit_the_boards_ram_is_refused(
    virtual_board: Boards, run: Run, tmp_path: Path
) -> None:
    profile = {"name": "mine", "mcu": "esp32", "psram_mb": 0, "sensors": []}
    board = virtual_board(program() | {"/board.json": json.dumps(profile)}, heap="300k")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_key": KEY, "source_id": "dev-1", "ring_bytes": 200_000}))
    words = ("--port", board.port, "--json", "--wait", 0, "--no-check", "--config", config)
    words = (*words, "--wifi-ssid", "home", "--wifi-password", PASSWORD)
    refused = run(*words)
    assert refused.status == 1
    assert "ring_bytes: 200000 leaves" in refused.said["error"]
    wanted = run(*words, "--anyway")
    assert wanted.status == 0, wanted.printed
    assert "ring_bytes: 200000 leaves" in wanted.said["warning"]
    assert json.loads(files(board)["/plexus.json"])["ring_bytes"] == 200_000


def test_confirmed_readings_are_waited_for(virtual_board: Boards, run: Run, one: Run) -> None:
    says = (
        "import os\nif 'plexus.json' in os.listdir('/'): print('plexus: first readings confirmed')"
    )
    other = virtual_board(program(main=says), heap="300k")
    outcome = one("--port", other.port, "--wait", 60)
    assert (outcome.status, outcome.said["confirmed"]) == (0, True)


def test_board_that_confirms_nothing_is_an_error(board: VirtualBoard, one: Run) -> None:
    outcome = one("--wait", 1)
    assert (outcome.status, outcome.said["confirmed"]) == (1, False)
    assert "tools doctor" in outcome.said["error"]


# --- secrets ----------------------------------------------------------------------------------


def test_secrets_are_never_printed(one: Run, closed: int) -> None:
    printed = one().printed
    printed += one().printed
    printed += one("--replace", endpoint=f"http://localhost:{closed}/").printed
    printed += one("--replace", "--nvs", "--wait", 1).printed
    assert KEY not in printed
    assert PASSWORD not in printed


def test_secrets_are_taken_out_of_what_the_board_says(
    board: VirtualBoard, one: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = "raise ValueError({config!r}, {hide!r})"
    monkeypatch.setattr(provision, "_SAVE", talks)
    outcome = one()
    assert outcome.status == 1
    assert "ValueError" in outcome.printed
    assert KEY not in outcome.printed
    assert PASSWORD not in outcome.printed


# --- a person ---------------------------------------------------------------------------------


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, list[str]]], list[str]]:
    """Somebody at a terminal who answers questions that begin so; gives the questions' texts."""

    def person(answers: dict[str, list[str]]) -> list[str]:
        asked: list[str] = []

        def answer(kind: str) -> Callable[[str], str]:
            def read(question: str = "") -> str:
                asked.append(f"{kind}: {question}")
                found = next(a for words, a in answers.items() if question.startswith(words))
                if not found:
                    raise EOFError
                return found.pop(0)

            return read

        monkeypatch.setattr(builtins, "input", answer("shown"))
        monkeypatch.setattr(getpass, "getpass", answer("hidden"))
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        return asked

    return person


def test_person_is_asked_for_what_is_missing(
    board: VirtualBoard, run: Run, server: ServerView, person: Any
) -> None:
    board.stop()
    board.write_files({"/board.json": b"{}"})
    board.start()
    asked = person(
        {
            "WiFi": ["home"],
            "its password": [PASSWORD],
            "API key": [KEY],
            "source_id": [""],
            "board": ["simulated"],
        }
    )
    arguments = ("--port", board.port, "--endpoint", server.device["ingest"], "--wait", 0)
    outcome = run(*arguments)
    assert outcome.status == 0, outcome.printed
    assert [question.split()[0] for question in asked] == [
        *("shown:", "hidden:", "hidden:", "shown:", "shown:")
    ]
    found = config(board)
    assert re.fullmatch(r"esp32-[0-9a-f]{6}", found["source_id"])
    assert found["wifi"] == [{"ssid": "home", "password": PASSWORD}]


def test_person_is_asked_again_after_a_mistake(
    board: VirtualBoard, one: Run, run: Run, server: ServerView, person: Any
) -> None:
    person({"its password": ["short", PASSWORD]})
    arguments = ("--endpoint", server.device["ingest"], "--wait", 0, "--wifi-ssid", "home")
    more = ("--api-key", KEY, "--source-id", "dev-1")
    outcome = run("--port", board.port, *arguments, *more)
    assert outcome.status == 0, outcome.printed
    assert "wifi_password: write a text of 8" in outcome.printed
    assert "short" not in outcome.printed


def test_person_who_gives_up_changes_nothing(board: VirtualBoard, run: Run, person: Any) -> None:
    person({"WiFi": []})
    outcome = run("--port", board.port)
    assert outcome.status == 1
    assert "wifi_ssid: nothing was entered" in outcome.printed


# --- a fleet ----------------------------------------------------------------------------------


class Bench:
    """A place where boards are plugged in, one after the other, as somebody would."""

    def __init__(self, path: Path, boards: list[Callable[[], VirtualBoard]]):
        self.port = path
        self.configs: list[dict[str, Any]] = []  # of the boards that were unplugged
        self._boards = boards
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Bench":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        for make in self._boards:
            board = make()
            board.wait_repl()
            self.port.symlink_to(board.port)
            starts = len(board.resets)
            # It is restarted once to be looked at, and once at the end.
            while len(board.resets) < starts + 2 or not board.repl:
                if self._end.wait(0.05):
                    break
            self.port.unlink()
            self.configs.append(config(board))
            self._end.wait(0.3)


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def fleet(run: Run, server: ServerView, tmp_path: Path) -> Run:
    def fleet(port: Path | str, path: Path, *arguments: object) -> Outcome:
        common = ("--port", port, "--csv", path, "--json", "--endpoint", server.device["ingest"])
        return run(*common, "--next-within", 20, *arguments)

    return fleet


def test_each_board_becomes_a_device_of_the_file(
    virtual_board: Boards, fleet: Run, server: ServerView, tmp_path: Path
) -> None:
    path = csv(
        tmp_path / "fleet.csv",
        "source_id,api_key,wifi_ssid,wifi_password",
        f"a-1,{KEY},home,{PASSWORD}",
        "",
        f"a-2,{KEY},guests,",
        f'a-3,{KEY},"a, b",pass word',
    )
    with Bench(tmp_path / "port", [lambda: virtual_board(program(), heap="300k")] * 3) as bench:
        outcome = fleet(bench.port, path)
    assert outcome.status == 0, outcome.printed
    assert [one["source_id"] for one in bench.configs] == ["a-1", "a-2", "a-3"]
    assert [one["wifi"] for one in bench.configs] == [
        [{"ssid": "home", "password": PASSWORD}],
        [{"ssid": "guests"}],
        [{"ssid": "a, b", "password": "pass word"}],
    ]
    devices = outcome.said["devices"]
    assert [device["status"] for device in devices] == ["done"] * 3
    assert len({device["id"] for device in devices}) == 3
    # One key, one question.
    assert server.mock.counts()["requests"] == 1
    assert KEY not in outcome.printed
    assert PASSWORD not in outcome.printed


@pytest.mark.usefixtures("soon")
def test_fleet_gets_one_key_by_one_claim(
    virtual_board: Boards, fleet: Run, tmp_path: Path, platform: ServerView
) -> None:
    path = csv(
        tmp_path / "f.csv",
        "source_id,api_key,wifi_ssid",
        "a-1,,home",
        f"a-2,{KEY},home",
        "a-3,,home",
    )
    person = decide(platform.mock, "approved")
    with Bench(tmp_path / "port", [lambda: virtual_board(program(), heap="300k")] * 3) as bench:
        outcome = fleet(bench.port, path, "--claim", "--endpoint", platform.device["ingest"])
    person.join()
    assert outcome.status == 0, outcome.printed
    assert len(platform.mock.claims()) == 1
    first, second, third = (one["api_key"] for one in bench.configs)
    assert first == third != second == KEY
    assert first not in outcome.printed


def test_fleet_of_twenty_gets_its_names(virtual_board: Boards, fleet: Run, tmp_path: Path) -> None:
    names = [f"node-{number}" for number in range(1, 21)]
    lines = [f"{name},{KEY},home,{PASSWORD}" for name in names]
    path = csv(tmp_path / "fleet.csv", "source_id,api_key,wifi_ssid,wifi_password", *lines)
    with Bench(tmp_path / "port", [lambda: virtual_board(program(), heap="300k")] * 20) as bench:
        outcome = fleet(bench.port, path)
    assert outcome.status == 0, outcome.printed
    assert [one["source_id"] for one in bench.configs] == names


def test_board_that_will_not_do_is_set_aside(
    virtual_board: Boards, fleet: Run, tmp_path: Path
) -> None:
    old = {"/plexus.json": '{"source_id": "old"}'}
    boards = [
        lambda: virtual_board(program() | old, heap="300k"),
        lambda: virtual_board(program(), heap="300k"),
    ]
    path = csv(tmp_path / "f.csv", "source_id,api_key,wifi_ssid", f"a-1,{KEY},home")
    with Bench(tmp_path / "port", boards) as bench:
        outcome = fleet(bench.port, path)
    assert outcome.status == 0, outcome.printed
    (device,) = outcome.said["devices"]
    assert "this board is old already" in device["set_aside"][0]["error"]
    assert [one["source_id"] for one in bench.configs] == ["old", "a-1"]


def test_fleet_ends_when_no_board_comes(virtual_board: Boards, fleet: Run, tmp_path: Path) -> None:
    path = csv(tmp_path / "f.csv", "source_id;api_key;wifi_ssid", f"a-1;{KEY};x", f"a-2;{KEY};x")
    outcome = fleet(tmp_path / "port", path, "--start", "a-2", "--next-within", "0.1")
    assert outcome.status == 1
    assert outcome.said["error"] == "no board was plugged in within 0.1 s; --start a-2 goes on"
    assert [device["source_id"] for device in outcome.said["devices"]] == ["a-2"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["plx_secret,home"], "column 1 of the first line is none of"),
        (["source_id,source_id"], "column 2"),
        (["source_id,api_key"], "no device in it"),
        (["source_id,wifi_ssid,api_key", "a,x,plx_1", "a,x,plx_1"], "line 3: source_id: the same"),
        (["source_id,wifi_ssid,api_key", ",x,plx_secret"], "line 2: source_id: missing"),
        (["source_id,wifi_ssid,api_key", "A,x,plx_secret"], "line 2: source_id"),
        (["source_id,wifi_ssid,api_key", "a,x,plx_secret,more"], "line 2: more cells"),
        (["source_id,wifi_ssid", "a,x"], "line 2: api_key: missing"),
        (["source_id,wifi_ssid,api_key,board", "a,x,plx_1,b"], "line 2: board: no board"),
        (['source_id,wifi_ssid,api_key"', '"a'], "column 3"),
        (["source_id,wifi_ssid,api_key", 'a,"x" y,plx_secret'], "line 2"),
    ],
)
def test_file_of_a_fleet_that_is_wrong_is_refused_whole(
    lines: list[str], words: str, fleet: Run, tmp_path: Path
) -> None:
    outcome = fleet(tmp_path / "none", csv(tmp_path / "f.csv", *lines))
    assert outcome.status == 1
    assert words in outcome.said["error"]
    assert "secret" not in outcome.printed


def test_key_that_the_server_refuses_is_named_by_its_line(
    fleet: Run, run: Run, tmp_path: Path
) -> None:
    path = csv(tmp_path / "f.csv", "source_id,api_key,wifi_ssid", "a,plx_good,x", "b,plx_bad,x")
    with MockServer(api_keys=["plx_good"]) as server:
        outcome = fleet(tmp_path / "none", path, "--endpoint", server.url + "/api/ingest")
    assert outcome.status == 1
    assert "line 3: api_key: the API key is refused (401)" in outcome.said["error"]


def test_ports_of_usb_are_watched_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [("a", "")]
    monkeypatch.setattr(provision, "ports", lambda: there)
    slots = provision.Slots(None)
    first = slots.wait(0)
    assert first.port == "a"
    slots.used(first)
    there.append(("b", ""))
    second = slots.wait(0)
    assert second.port == "b"
    slots.used(second)
    there.pop(0)
    with pytest.raises(provision.ProvisionError):
        slots.wait(0)
    there.append(("a", ""))  # the next board in its place
    assert slots.wait(0).port == "a"


def test_board_changed_between_two_looks_is_a_new_one(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch()
    slots = provision.Slots(str(port))
    slots.used(slots.wait(0))
    with pytest.raises(provision.ProvisionError):
        slots.wait(0)
    port.rename(tmp_path / "unplugged")
    port.touch()
    assert slots.wait(0).port == str(port)


def test_board_that_comes_back_is_not_the_next_device(
    board: VirtualBoard, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardLink(board.port) as link:
        known = provision.look(link).id
    options = main_options("--replace", "--csv", "x", "--json")
    result = provision.Result("a-2", 3)
    device = provision.Settings({"source_id": "a-2", "api_key": KEY})
    provision._plugged(board.port, device, result, {known: "a-1"}, options, provision.Console(True))
    assert result.status == "waiting"
    assert "has just become a-1" in result.set_aside[0]["error"]


def main_options(*words: str) -> Any:
    from tools.__main__ import build_parser

    return build_parser().parse_args(["provision", *words])
