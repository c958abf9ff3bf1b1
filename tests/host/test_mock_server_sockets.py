"""The mock server's WebSocket side: devices, what it says of them, commands, faults, watchers."""

import base64
import dataclasses
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tools.build import REPOSITORY
from tools.mock_server import MockServer, devices, transcript, watchers
from tools.mock_server.contract import PROFILES
from tools.mock_server.devices import DeviceError
from tools.mock_server.faults import Action, FaultError
from tools.mock_server.service import describe

TIMEOUT_S = 10
NOW_MS = 1_795_358_209_382
INTRODUCTION = {
    "type": "device_auth", "api_key": "plx_test", "source_id": "dev-1", "platform": "test",
    "agent_version": "0.1.0",
    "sensors": [{"name": "IMU", "description": "6 axes", "metrics": ["x", "y"], "sample_rate": 100,
                 "prefix": "", "available": True}],
    "commands": [{"name": "blink", "description": "a light", "params": {"times": {}}}],
}  # fmt: skip
PATIENT = dataclasses.replace(PROFILES["gateway"], message_rate=None)


@pytest.fixture(scope="module")
def documented() -> Iterator[MockServer]:
    with MockServer(tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def behind_gateway() -> Iterator[MockServer]:
    with MockServer(PATIENT) as server:
        yield server


@pytest.fixture
def server(documented: MockServer) -> MockServer:
    documented.reset()
    return documented


@pytest.fixture
def gateway(behind_gateway: MockServer) -> MockServer:
    behind_gateway.reset()
    return behind_gateway


@pytest.fixture(params=["documented", "behind_gateway"])
def either(request: pytest.FixtureRequest) -> MockServer:
    server = request.getfixturevalue(request.param)
    server.reset()
    return server


class Peer:
    """One end of a WebSocket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, message: Any = None, **fields: Any) -> None:
        self.connection.send(json.dumps((message or {}) | fields))

    def hear(self) -> dict[str, Any]:
        return json.loads(self.connection.recv(TIMEOUT_S))

    def hear_until(self, kind: str) -> dict[str, Any]:
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def hear_end(self) -> int | None:
        """The server's close code; None if the TCP connection ended without a close frame."""
        try:
            while True:
                self.connection.recv(TIMEOUT_S)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


@contextmanager
def peer(url: str, **options: Any) -> Iterator[Peer]:
    limits = {"close_timeout": 1, "max_size": None, "max_queue": None}
    with connect(url, proxy=None, **limits, **options) as connection:
        yield Peer(connection)


@contextmanager
def device(server: MockServer, source_id: str = "dev-1") -> Iterator[Peer]:
    """An authenticated device."""
    with peer(server.ws_url) as found:
        found.say(INTRODUCTION, source_id=source_id)
        assert found.hear()["type"] == "authenticated"
        yield found


@contextmanager
def watcher(server: MockServer) -> Iterator[Peer]:
    with peer(server.admin_url.replace("http", "ws") + "/admin/live") as found:
        yield found


def telemetry(*values: Any, **point: Any) -> dict[str, Any]:
    points = [{"metric": "x", "value": value, "timestamp": NOW_MS} | point for value in values]
    return {"type": "telemetry", "source_id": "dev-1", "points": points}


def violations(server: MockServer) -> list[str]:
    return server.device("dev-1")["violations"]


def settle(peer: Peer) -> None:
    """Return when the server has taken everything that was sent before."""
    assert peer.connection.ping().wait(TIMEOUT_S)


def admin(server: MockServer, method: str, path: str, document: Any = None) -> Any:
    url = server.admin_url + "/admin/devices" + path
    return requests.request(method, url, json=document, timeout=TIMEOUT_S)


# Coming


@pytest.mark.parametrize("path", ["/ws/device", "/party/org_mock"])
def test_a_device_is_authenticated(server: MockServer, path: str) -> None:
    with peer(server.url.replace("http", "ws") + path) as found:
        found.say(INTRODUCTION)
        assert found.hear() == {"type": "authenticated", "source_id": "dev-1"}
        assert server.device("dev-1")["path"] == path


def test_the_gateway_tells_its_time(gateway: MockServer) -> None:
    with peer(gateway.ws_url) as found:
        found.say(INTRODUCTION)
        now_ms = time.time() * 1000
        assert abs(found.hear()["server_time_ms"] - now_ms) < 60_000


def test_a_device_is_known_as_it_introduced_itself(server: MockServer) -> None:
    with device(server):
        known = server.device("dev-1")
    assert known["sensors"] == INTRODUCTION["sensors"]
    assert known["commands"] == INTRODUCTION["commands"]
    assert (known["platform"], known["agent_version"]) == ("test", "0.1.0")
    assert (known["connected"], known["streams"], known["session"]) == (True, [], None)


def test_the_socket_works_over_tls(server: MockServer) -> None:
    context = ssl.create_default_context(cafile=server.ca_pem_path)
    assert server.wss_url is not None
    with peer(server.wss_url, ssl=context) as found:
        found.say(INTRODUCTION)
        assert found.hear()["type"] == "authenticated"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key": "sk_1"}, "invalid API key: it must start with plx_"),
        ({"api_key": "plx_readonly"}, "the API key lacks the permission to write"),
        ({"api_key": 5}, "api_key must be a string"),
        ({"type": "heartbeat"}, "the first message must be of type device_auth"),
        ({"source_id": "Dev 1"}, "source_id must match [a-z0-9][a-z0-9._-]*"),
        ({"platform": 1}, "platform must be a string"),
        ({"sensors": {}}, "sensors must be an array of objects"),
        ({"sensors": [{}]}, "sensors[0].name is missing"),
        ({"sensors": [{"name": "a", "metrics": "x"}]}, "sensors[0].metrics must be an array"),
        ({"sensors": [{"name": "a", "metrics": [1]}]}, "sensors[0].metrics[0] must be a string"),
        (
            {"sensors": [{"name": "a", "sample_rate": 0}]},
            "sensors[0].sample_rate must be a number of Hz over 0",
        ),
        (
            {"sensors": [{"name": "a", "available": 1}]},
            "sensors[0].available must be true or false",
        ),
        ({"commands": [{"name": ""}]}, "commands[0].name must not be empty"),
        ({"commands": [{"name": "a", "params": []}]}, "commands[0].params must be an object"),
    ],
)
def test_a_bad_introduction_is_refused_in_words(
    either: MockServer, changes: dict[str, Any], words: str
) -> None:
    with peer(either.ws_url) as found:
        found.say(INTRODUCTION, **changes)
        assert found.hear() == {"type": "error", "message": words}
        assert found.hear_end() == 1008
    assert either.devices() == []
    either.wait_until(lambda s: s.requests()[0]["verdict"].endswith(f"refused: {words}"))


def test_a_first_message_that_is_not_json_is_refused(server: MockServer) -> None:
    with peer(server.ws_url) as found:
        found.connection.send("{")
        assert "not valid JSON" in found.hear()["message"]
        assert found.hear_end() == 1008


def test_only_the_given_keys_authenticate() -> None:
    with MockServer(api_keys=["plx_a"]) as server, peer(server.ws_url) as found:
        found.say(INTRODUCTION, api_key="plx_b")
        assert found.hear()["message"] == "invalid API key"
        assert found.hear_end() == 1008


def test_who_says_nothing_is_disconnected_without_a_close_frame() -> None:
    assert PROFILES["documented"].auth_timeout_ms == 10_000
    quick = dataclasses.replace(PROFILES["documented"], auth_timeout_ms=50)
    with MockServer(quick) as server, peer(server.ws_url) as found:
        assert found.hear_end() is None


def test_pings_do_not_put_off_authentication() -> None:
    quick = dataclasses.replace(PROFILES["documented"], auth_timeout_ms=300)
    with MockServer(quick) as server, peer(server.ws_url, ping_interval=0.05) as found:
        assert found.hear_end() is None


def test_a_second_connection_replaces_the_first_without_a_close_frame(server: MockServer) -> None:
    with device(server) as first, device(server) as second:
        assert first.hear_end() is None
        settle(second)
        known = server.device("dev-1")
        assert (known["connected"], known["connects"]) == (True, 2)


def test_a_device_that_left_is_still_known(server: MockServer) -> None:
    with device(server):
        server.command("dev-1", "start_stream", {})
    server.wait_until(lambda s: not s.device("dev-1")["connected"])
    assert server.device("dev-1")["streams"] == []


def test_the_key_is_not_kept(server: MockServer) -> None:
    with peer(server.ws_url) as found:
        found.say(INTRODUCTION, api_key="plx_secret")
        found.hear()
        kept = json.dumps([server.messages("dev-1"), server.devices(), server.requests(True)])
    assert "device_auth" in kept
    assert "plx_secret" not in kept


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(INTRODUCTION | {"api_key": "plx_secret"}),
        json.dumps(INTRODUCTION | {"api_key": "plx_other"}),
        '{"type": "device_auth", "api_key": "plx_other',
        "{'api_key': 'plx_other'}",
        "my key is plx_secret",
        json.dumps({"type": "plx_secret"}),
        json.dumps({"type": "device_error", "source_id": "dev-1", "source": "plx_secret",
                    "error": "plx_secret", "severity": "error"}),
    ],
)  # fmt: skip
def test_the_key_is_not_kept_whatever_message_repeats_it(server: MockServer, text: str) -> None:
    with peer(server.ws_url) as found, watcher(server) as page:
        found.say(INTRODUCTION, api_key="plx_secret")
        found.hear()
        found.connection.send(text)
        settle(found)
        kept = json.dumps([server.messages("dev-1"), server.devices(), server.requests(True)])
        assert len(server.messages("dev-1")) > 2
        found.say(type="session_started", session_id="last")
        while (message := page.hear())["type"] != "session_started":
            kept += json.dumps(message)
    assert "plx_secret" not in kept
    assert "plx_other" not in kept


def test_a_connection_is_one_of_the_requests(server: MockServer) -> None:
    with device(server):
        (row,) = server.requests()
        assert (row["method"], row["path"], row["status"]) == ("GET", "/ws/device", 101)
        assert (row["key"], row["verdict"]) == ("accepted", "device dev-1 authenticated")
    server.wait_until(lambda s: s.requests()[0]["verdict"].endswith("ended with code 1000"))


@pytest.mark.parametrize("path", ["/ws/device", "/party/org_mock"])
def test_a_plain_request_is_told_to_upgrade(server: MockServer, path: str) -> None:
    answer = requests.get(server.url + path, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert requests.post(server.url + path, timeout=TIMEOUT_S).status_code == 405


def test_a_scripted_status_refuses_the_handshake(server: MockServer) -> None:
    server.script({"status": 503, "path": "/ws/device"})
    with pytest.raises(InvalidStatus) as refused, peer(server.ws_url):
        pass
    assert refused.value.response.status_code == 503
    with device(server):
        pass


def test_an_outage_ends_sockets_without_a_close_frame(server: MockServer) -> None:
    with device(server) as found:
        server.outage()
        assert found.hear_end() is None
        server.restore()
    with device(server):
        assert server.device("dev-1")["connected"]


def test_the_servers_end_is_a_bare_tcp_end() -> None:
    server = MockServer()
    server.start()
    with device(server) as found:
        server.stop()
        assert found.hear_end() is None


class Raw:
    """A client that does only what it is told: no pongs, no closing."""

    def __init__(self, server: MockServer, path: str, base: str, receive_bytes: int = 0) -> None:
        address = urlsplit(base)
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect((address.hostname, address.port))
        key = base64.b64encode(os.urandom(16)).decode()
        # Names of headers are equal without regard to case (RFC 9110 section 5.1).
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nhost: {address.netloc}\r\nUPGRADE: websocket\r\n"
            f"connection: keep-alive, Upgrade\r\nsec-websocket-key: {key}\r\n"
            "SEC-WEBSOCKET-VERSION: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        self.socket.sendall(head + b"\0\0\0\0" + payload)  # a mask of zeros changes nothing

    def frame(self) -> tuple[int, bytes]:
        first, size = self.take(2)
        if size > 125:
            size = int.from_bytes(self.take(2 if size == 126 else 8), "big")
        return first & 15, self.take(size)

    def take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


PING, PONG, TEXT = 9, 10, 1


def test_the_gateway_pings_and_gives_commands_only_to_who_answers() -> None:
    assert PROFILES["gateway"].ping_ms == 30_000
    assert PROFILES["documented"].ping_ms is None
    quick = dataclasses.replace(PROFILES["gateway"], ping_ms=50)
    with MockServer(quick) as server, Raw(server, "/ws/device", server.url) as raw:
        raw.send(TEXT, json.dumps(INTRODUCTION).encode())
        assert raw.frame()[0] == TEXT
        assert raw.frame()[0] == PING
        server.wait_until(lambda s: not s.device("dev-1")["answers"])
        with pytest.raises(DeviceError, match="does not answer pings"):
            server.command("dev-1", "ping")
        assert server.device("dev-1")["connected"]
        raw.send(PONG, b"")
        server.wait_until(lambda s: s.device("dev-1")["answers"])


def test_a_device_that_answers_pings_goes_on_getting_commands() -> None:
    quick = dataclasses.replace(PROFILES["gateway"], ping_ms=20)
    with MockServer(quick) as server, device(server) as found:
        for _ in range(5):
            server.command("dev-1", "ping")
            assert found.hear()["command"] == "ping"
            settle(found)


def test_the_server_answers_pings(server: MockServer) -> None:
    with Raw(server, "/ws/device", server.url) as raw:
        raw.send(PING, b"hello")
        assert raw.frame() == (PONG, b"hello")


# What a device says

GOOD = [
    {"type": "heartbeat", "source_id": "dev-1", "uptime_s": 12},
    {"type": "heartbeat", "source_id": "dev-1", "uptime_s": 12.5, "agent_version": "1"},
    {"type": "device_error", "source_id": "dev-1", "source": "bme280", "error": "no answer",
     "severity": "warning", "timestamp": NOW_MS},
    {"type": "device_error", "source_id": "dev-1", "source": "a", "error": "", "severity": "error"},
    {"type": "session_started", "session_id": "own", "session_name": "My own"},
    telemetry(1, "on", True, {"x": 1}, [1, 2], tags={"session_id": "s1"}, session_id="s1"),
    telemetry(1, tags={"session_id": "s1"}) | {"session_id": "s1"},
]  # fmt: skip


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_a_good_message_is_no_violation(either: MockServer, message: dict[str, Any]) -> None:
    with device(either) as found:
        either.command("dev-1", "start_stream")
        found.hear()
        found.say(message)
        settle(found)
        assert violations(either) == []
        assert either.messages("dev-1")[-1]["message"] == message


HEARTBEAT, RESULT = GOOD[0], {"type": "command_result", "id": "1", "command": "ping"}
OUTPUT = {"type": "output", "id": "1"}
FAULT = GOOD[2]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "type is missing"),
        ({"type": 1}, "type must be a string"),
        ({"type": "hello"}, "type 'hello' is unknown"),
        (INTRODUCTION, "type 'device_auth' is unknown"),
        (HEARTBEAT | {"source_id": "dev-2"}, "source_id 'dev-2' is not the one"),
        ({"type": "heartbeat", "uptime_s": 1}, "source_id is missing"),
        ({"type": "heartbeat", "source_id": "dev-1"}, "uptime_s is missing"),
        (HEARTBEAT | {"uptime_s": "1"}, "uptime_s must be a number from 0"),
        (HEARTBEAT | {"uptime_s": True}, "uptime_s must be a number from 0"),
        (HEARTBEAT | {"uptime_s": -1}, "uptime_s must be a number from 0"),
        ({"type": "pong", "source_id": "x"}, "source_id 'x' is not the one"),
        ({"type": "telemetry", "source_id": "dev-1"}, "points is missing"),
        ({"type": "telemetry", "points": []}, "source_id is missing"),
        (telemetry(1, None), "points[1].value must not be null"),
        (telemetry(1, metric=""), "points[0].metric must not be empty"),
        (telemetry(1) | {"session_id": 5}, "session_id must be a string"),
        ({"type": "session_started"}, "session_id is missing"),
        ({"type": "session_stopped", "session_id": ""}, "session_id must not be empty"),
        (OUTPUT, "event is missing"),
        (OUTPUT | {"event": "stop"}, "event must be one of: start, data, exit, error, timeout"),
        ({"type": "output", "event": "start"}, "id is missing"),
        (OUTPUT | {"event": "start"}, "command is missing"),
        (OUTPUT | {"event": "data"}, "data is missing"),
        (OUTPUT | {"event": "data", "data": 1}, "data must be a string"),
        (OUTPUT | {"event": "exit"}, "code is missing"),
        (OUTPUT | {"event": "exit", "code": "0"}, "code must be an integer"),
        (OUTPUT | {"event": "error"}, "error is missing"),
        (FAULT | {"source": ""}, "source must not be empty"),
        (FAULT | {"error": None}, "error must be a string"),
        (FAULT | {"severity": "bad"}, "severity must be one of: info, warning, error, critical"),
        (RESULT, "event is missing"),
        (RESULT | {"event": "done"}, "event must be one of: ack, result, error"),
        (RESULT | {"event": "result"}, "result is missing"),
        (RESULT | {"event": "result", "result": 1}, "result must be an object"),
        (RESULT | {"event": "error"}, "error is missing"),
        ({"type": "command_result", "id": "1", "event": "ack"}, "command is missing"),
    ],
)
def test_a_bad_message_is_answered_and_is_a_violation(
    gateway: MockServer, message: dict[str, Any], words: str
) -> None:
    with device(gateway) as found:
        found.connection.send(json.dumps(message))
        answer = found.hear()
        assert (answer["type"], answer["code"]) == ("error", "INVALID_MESSAGE")
        assert answer["detail"].startswith(words)
        (violation,) = violations(gateway)
        assert violation == f"INVALID_MESSAGE: {answer['detail']}"
        assert gateway.device("dev-1")["points"] == 0


def test_the_documented_server_has_no_error_codes(server: MockServer) -> None:
    with device(server) as found:
        found.say(telemetry(None))
        words = "INVALID_MESSAGE: points[0].value must not be null"
        assert found.hear() == {"type": "error", "message": words}


@pytest.mark.parametrize("text", ["{", "[1]", "", '{"a": NaN}', "[" * 20_000, '{"a": "\\ud800"}'])
def test_what_is_no_json_object_is_a_violation(gateway: MockServer, text: str) -> None:
    with device(gateway) as found:
        found.connection.send(text)
        assert found.hear()["code"] == "INVALID_JSON"
        assert violations(gateway)[0].startswith("INVALID_JSON: the message ")
        settle(found)


def test_a_binary_frame_is_a_violation(gateway: MockServer) -> None:
    with device(gateway) as found:
        found.connection.send(json.dumps(HEARTBEAT).encode())
        assert found.hear()["code"] == "INVALID_JSON"
        assert violations(gateway) == ["INVALID_JSON: a message must be a text frame, not binary"]


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [(1_795_358_209, "1795358209"), (NOW_MS + 0.5, "1795358209382.5"), (12.5, "12.5")],
)
def test_a_time_that_is_no_integer_of_milliseconds_is_a_violation(
    server: MockServer, timestamp: float, words: str
) -> None:
    expected = f"must be an integer of milliseconds since 1970, not {words}"
    with device(server) as found:
        server.command("dev-1", "start_stream")
        found.say(telemetry(1, timestamp=timestamp))
        found.say(FAULT, timestamp=timestamp)
        settle(found)
        assert violations(server) == [f"points[0].timestamp {expected}", f"timestamp {expected}"]
        assert server.device("dev-1")["points"] == 1


def test_a_point_without_its_sessions_tag_is_a_violation(server: MockServer) -> None:
    with device(server) as found:
        server.command("dev-1", "start_stream")
        found.say(telemetry(1) | {"session_id": "s1"})
        found.say(telemetry(1, session_id="s2"))
        found.say({"type": "telemetry", "source_id": "dev-1", "points": []})
        settle(found)
    assert violations(server) == [
        "points[0].tags.session_id must be 's1' as well",
        "points[0].tags.session_id must be 's2' as well",
        "points is empty",
    ]


def test_telemetry_is_counted_and_not_stored(server: MockServer) -> None:
    with device(server) as found:
        server.command("dev-1", "start_stream")
        found.say(telemetry(1, 2))
        found.say(telemetry(3))
        settle(found)
    known = server.device("dev-1")
    assert (known["frames"], known["points"]) == (2, 3)
    assert server.points() == []


def test_heartbeats_and_errors_are_shown(server: MockServer) -> None:
    with device(server) as found:
        found.say(HEARTBEAT)
        for number in range(25):
            found.say(FAULT, error=f"fault {number}")
        settle(found)
        known = server.device("dev-1")
    assert known["uptime_s"] == 12
    assert [error["error"] for error in known["errors"]] == [f"fault {n}" for n in range(5, 25)]


def test_a_message_of_a_mebibyte_is_taken_and_one_byte_more_is_not(server: MockServer) -> None:
    text = json.dumps(HEARTBEAT)
    with device(server) as found:
        found.connection.send(text + " " * (1024 * 1024 - len(text)))
        settle(found)
        assert server.device("dev-1")["uptime_s"] == 12
        found.connection.send(text + " " * (1024 * 1024 + 1 - len(text)))
        assert found.hear_end() == 1009
    assert violations(server)[0].startswith("the server closed with 1009")


def test_the_gateway_limits_messages_a_second() -> None:
    assert PROFILES["gateway"].message_rate == 100
    assert PROFILES["documented"].message_rate is None
    slow = dataclasses.replace(PROFILES["gateway"], message_rate=3)
    with MockServer(slow) as server, device(server) as found:
        # Which messages share a second is up to the machine.
        while not server.device("dev-1")["violations"]:
            found.say(HEARTBEAT)
            settle(found)
        assert found.hear()["code"] == "RATE_LIMITED"
        assert violations(server)[0] == "over 3 messages a second"

        def accepted(s: MockServer) -> bool:
            found.say(HEARTBEAT, uptime_s=99)
            settle(found)
            return s.device("dev-1")["uptime_s"] == 99

        server.wait_until(accepted)


def test_a_large_message_is_kept_in_part(server: MockServer) -> None:
    with device(server) as found:
        found.say(HEARTBEAT, filler="a" * 100_000)
        settle(found)
    kept = server.messages("dev-1")[-1]["message"]
    assert isinstance(kept, str)
    assert len(kept) == 4096


def test_messages_are_kept_up_to_a_number_of_bytes(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert transcript.MAX_BYTES == 4 * 1024 * 1024
    monkeypatch.setattr(transcript, "MAX_BYTES", 100_000)
    with device(server) as found:
        for number in range(20):
            found.say(HEARTBEAT, uptime_s=number, filler="a" * 30_000)
        settle(found)
    kept = [row["message"]["uptime_s"] for row in server.messages("dev-1")]
    assert kept == [17, 18, 19]


def test_what_a_device_says_of_itself_is_kept_in_part(server: MockServer) -> None:
    long = "a" * 2000
    sensor = {"name": "s", "description": long, "metrics": [f"m{n}" for n in range(100)]}
    with peer(server.ws_url) as found:
        found.say(
            INTRODUCTION,
            platform=long,
            sensors=[sensor | {"more": long}] * 70,
            commands=[{"name": "c", "description": long, "params": {"p": long * 3}}] * 70,
        )
        found.hear()
        found.say(FAULT, error=long, more=long)
        found.say(type="telemetry" + "a" * 240, source_id="dev-1")
        settle(found)
        known = server.device("dev-1")
    assert [len(known[name]) for name in ("sensors", "commands", "platform")] == [64, 64, 512]
    assert len(known["sensors"][0]["metrics"]) == 64
    assert len(json.dumps(known["sensors"][0])) < 2000
    assert len(json.dumps(known["commands"][0])) < 1000
    assert len(json.dumps(known["errors"][0])) < 1000
    assert max(map(len, known["violations"])) <= 512


def test_the_oldest_device_that_is_gone_is_forgotten(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.KEPT_DEVICES == 200
    monkeypatch.setattr(devices, "KEPT_DEVICES", 3)
    with device(server, "stays"):
        for name in ("one", "two", "three"):
            with device(server, name):
                pass
            server.wait_until(lambda s, name=name: not s.device(name)["connected"])
        assert [known["source_id"] for known in server.devices()] == ["stays", "two", "three"]


def test_messages_are_kept_in_order_and_can_be_paged(server: MockServer) -> None:
    with device(server) as found:
        found.say(HEARTBEAT)
        settle(found)
        server.command("dev-1", "ping")
        rows = server.messages("dev-1")
        assert [(row["from"], row["message"]["type"]) for row in rows] == [
            ("device", "device_auth"), ("server", "authenticated"), ("device", "heartbeat"),
            ("server", "ping"),
        ]  # fmt: skip
        assert server.messages("dev-1", since_id=rows[2]["id"]) == rows[3:]
        path = f"/dev-1/messages?since_id={rows[0]['id']}&limit=2"
        assert admin(server, "GET", path).json() == {"messages": rows[1:3]}
        path = "/dev-1/messages?limit=2&newest=1"
        assert admin(server, "GET", path).json() == {"messages": rows[2:]}


def test_reset_forgets_what_was_said_and_keeps_who_is_there(server: MockServer) -> None:
    with device(server, "gone"):
        pass
    server.wait_until(lambda s: not s.device("gone")["connected"])
    with device(server) as found:
        found.say(HEARTBEAT, uptime_s=None)
        found.hear()
        server.command("dev-1", "start_stream")
        server.reset()
        (known,) = server.devices()
        assert (known["source_id"], known["connected"]) == ("dev-1", True)
        assert (known["violation_count"], server.messages("dev-1")) == (0, [])
        found.say(telemetry(1))
        settle(found)
        assert violations(server) == []


# Commands


def test_a_documented_command_is_a_bare_message(server: MockServer) -> None:
    with device(server) as found:
        params = {"metrics": ["x"], "interval_ms": 100, "store": True}
        command_id = server.command("dev-1", "start_stream", params)
        assert found.hear() == {
            "type": "start_stream", "id": command_id, "source_id": "dev-1", **params
        }  # fmt: skip
        (stream,) = server.device("dev-1")["streams"]
        assert stream.pop("started_ms") > NOW_MS // 2
        assert stream == {"id": command_id, **params}


def test_the_gateways_command_is_wrapped(gateway: MockServer) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "start_stream", {"metrics": ["x"]})
        assert len(command_id) == 36
        assert found.hear() == {
            "type": "typed_command", "id": command_id, "command": "start_stream",
            "params": {"source_id": "dev-1", "metrics": ["x"]},
        }  # fmt: skip
        (stream,) = gateway.device("dev-1")["streams"]
        assert stream["id"] == command_id


def test_a_stream_of_its_own_id_is_stopped_by_it(either: MockServer) -> None:
    with device(either):
        for name in ("a", "b", "c"):
            either.command("dev-1", "start_stream", {"id": name})
        either.command("dev-1", "stop_stream", {"id": "b"})
        assert [s["id"] for s in either.device("dev-1")["streams"]] == ["a", "c"]
        either.command("dev-1", "stop_stream", {"id": "*"})
        assert either.device("dev-1")["streams"] == []


def test_the_gateway_calls_a_stream_by_stream_id(gateway: MockServer) -> None:
    with device(gateway) as found:
        gateway.command("dev-1", "stop_stream", {"id": "st1"})
        assert found.hear()["params"] == {"source_id": "dev-1", "stream_id": "st1"}


def test_a_session_gets_an_id_and_a_name(either: MockServer) -> None:
    with device(either) as found:
        either.command("dev-1", "start_session", {"interval_ms": 20})
        message = found.hear()
        asked = message.get("params", message)
        assert asked["session_id"].startswith("session-")
        assert asked["session_name"].startswith("Session of ")
        assert asked["interval_ms"] == 20
        found.say(type="session_started", session_id=asked["session_id"], session_name="n")
        settle(found)
        session = either.device("dev-1")["session"]
        assert (session["session_id"], session["session_name"]) == (asked["session_id"], "n")
        either.command("dev-1", "stop_session")
        message = found.hear()
        assert message.get("params", message)["session_id"] == asked["session_id"]
        found.say(type="session_stopped", session_id=asked["session_id"])
        settle(found)
        assert either.device("dev-1")["session"] is None
        assert violations(either) == []


def test_a_registered_command_is_sent_by_name_or_executed(
    server: MockServer, gateway: MockServer
) -> None:
    with device(server) as found:
        command_id = server.command("dev-1", "blink", {"times": 3})
        assert found.hear() == {
            "type": "execute", "id": command_id, "source_id": "dev-1", "command": "blink",
            "params": {"times": 3},
        }  # fmt: skip
    with device(gateway) as found:
        gateway.command("dev-1", "blink", {"times": 3})
        message = found.hear()
        assert (message["command"], message["params"]["times"]) == ("blink", 3)


def test_a_command_can_be_sent_over_http(server: MockServer) -> None:
    with device(server) as found:
        answer = admin(server, "POST", "/dev-1/commands", {"command": "execute",
                       "params": {"command": "blink", "timeout_seconds": 5}})  # fmt: skip
        message = found.hear()
        assert answer.json() == {"id": message["id"]}
        assert (message["type"], message["timeout_seconds"]) == ("execute", 5)
        assert admin(server, "GET", "").json()["devices"] == server.devices()


@pytest.mark.parametrize(
    ("source_id", "document", "status"),
    [
        ("nobody", {"command": "ping"}, 404),
        ("dev-1", {}, 400),
        ("dev-1", {"command": ""}, 400),
        ("dev-1", {"command": "ping", "params": []}, 400),
        ("dev-1", [], 400),
    ],
)
def test_a_command_that_cannot_be_sent_is_refused(
    server: MockServer, source_id: str, document: Any, status: int
) -> None:
    with device(server):
        answer = admin(server, "POST", f"/{source_id}/commands", document)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_a_device_that_left_gets_no_commands(server: MockServer) -> None:
    with device(server):
        pass
    server.wait_until(lambda s: not s.device("dev-1")["connected"])
    assert admin(server, "POST", "/dev-1/commands", {"command": "ping"}).status_code == 409
    with pytest.raises(DeviceError, match="'dev-1' is not connected"):
        server.command("dev-1", "ping")


def test_any_text_can_be_said(server: MockServer) -> None:
    with device(server) as found:
        server.say("dev-1", "{bad")
        assert found.connection.recv(TIMEOUT_S) == "{bad"
        assert server.messages("dev-1")[-1]["message"] == "{bad"
        assert admin(server, "POST", "/dev-1/say", {"text": '{"type": "ping"}'}).ok
        assert found.hear() == {"type": "ping"}
        found.say(type="pong")
        settle(found)
        assert violations(server) == []
        assert admin(server, "POST", "/dev-1/say", {"text": 1}).status_code == 400


def test_a_device_can_be_disconnected_with_a_code_or_without(server: MockServer) -> None:
    with device(server) as found:
        server.disconnect("dev-1", 1012)
        assert found.hear_end() == 1012
    with device(server) as found:
        server.disconnect("dev-1")
        assert found.hear_end() is None
    with device(server) as found:
        assert admin(server, "POST", "/dev-1/disconnect", {"code": 1001}).ok
        assert found.hear_end() == 1001
    with device(server):
        assert admin(server, "POST", "/dev-1/disconnect", {"code": 5}).status_code == 400


# The judge

ACK = {"event": "ack"}
DONE = {"event": "result", "result": {}}
FAILED = {"event": "error", "error": "no such sensor"}


@pytest.mark.parametrize(
    ("events", "expected", "is_open"),
    [
        ([], [], True),
        ([ACK], [], True),
        ([ACK, DONE], [], False),
        ([ACK, FAILED], [], False),
        ([DONE], ["command_result result without ack for 'configure'"], False),
        ([FAILED], ["command_result error without ack for 'configure'"], False),
        ([ACK, ACK], ["command_result ack twice or late for 'configure'"], True),
        (
            [ACK, DONE, FAILED],
            ["command_result error after the last one for 'configure'"],
            False,
        ),
        ([ACK, DONE, ACK], ["command_result ack twice or late for 'configure'"], False),
    ],
)
def test_a_typed_command_is_answered_once_and_in_order(
    gateway: MockServer, events: list[Any], expected: list[str], is_open: bool
) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "configure", {"sensor": "IMU", "config": {}})
        for event in events:
            found.say({"type": "command_result", "id": command_id, "command": "configure"} | event)
        settle(found)
        known = gateway.device("dev-1")
        assert known["violations"] == expected
        assert bool(known["open_commands"]) == is_open


@pytest.mark.parametrize(
    ("result", "rate", "violations"),
    [
        ({"sample_rate": 20, "options": {"gain": 2}}, 20, []),
        ({}, 100, []),
        ({"sample_rate": "fast"}, 100, ["result.sample_rate must be a number of Hz over 0"]),
    ],
)
def test_a_sensor_is_what_the_result_of_its_configure_says(
    gateway: MockServer, result: dict[str, Any], rate: float, violations: list[str]
) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "configure", {"sensor": "IMU", "config": {}})
        for event in (ACK, {"event": "result", "result": result}):
            found.say({"type": "command_result", "id": command_id, "command": "configure"} | event)
        settle(found)
        known = gateway.device("dev-1")
        assert known["sensors"][0]["sample_rate"] == rate
        assert known["violations"] == violations


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"sample_rate": 20}, (20, "", ["x", "y"])),
        ({"interval_ms": 50}, (20, "", ["x", "y"])),
        ({"prefix": "a."}, (100, "a.", ["a.x", "a.y"])),
        ({"sample_rate": "fast", "prefix": "a."}, (100, "", ["x", "y"])),
        ({"interval_ms": "fast"}, (100, "", ["x", "y"])),
    ],
)
def test_a_bare_configure_is_in_force_unless_it_is_refused(
    server: MockServer, monkeypatch: pytest.MonkeyPatch, config: Any, expected: Any
) -> None:
    def shown(s: MockServer) -> tuple[Any, ...]:
        (sensor,) = s.device("dev-1")["sensors"]
        return sensor["sample_rate"], sensor["prefix"], sensor["metrics"]

    before = (100, "", ["x", "y"])
    with device(server) as found, watcher(server) as page:
        # Time enough for the refusal, whatever else this machine does.
        monkeypatch.setattr(devices, "REFUSED_WITHIN_S", 3600)
        server.command("dev-1", "configure", {"sensor": "IMU", "config": config})
        found.say(FAULT, source="IMU", error="sample_rate: 20; give less")
        assert page.hear_until("device_error")["error"].startswith("sample_rate")
        monkeypatch.setattr(devices, "REFUSED_WITHIN_S", 0.01)
        server.command("dev-1", "configure", {"sensor": "other", "config": config})
        settle(found)
        assert shown(server) == before
        server.command("dev-1", "configure", {"sensor": "IMU", "config": config})
        if expected == before:
            server.command("dev-1", "configure", {"sensor": "IMU", "config": {"sample_rate": 7}})
            expected = (7, *before[1:])
        server.wait_until(lambda s: shown(s) == expected)
        assert violations(server) == []


def test_a_bare_configure_that_was_refused_is_never_in_force(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "REFUSED_WITHIN_S", 0.5)
    with device(server) as found:
        server.command("dev-1", "configure", {"sensor": "IMU", "config": {"sample_rate": 20}})
        found.say(FAULT, source="IMU")
        settle(found)
        server.command("dev-1", "configure", {"sensor": "IMU", "config": {"prefix": "a."}})
        server.wait_until(lambda s: s.device("dev-1")["sensors"][0]["prefix"] == "a.")
        assert server.device("dev-1")["sensors"][0]["sample_rate"] == 100


def test_an_answer_must_name_a_command_that_was_sent(gateway: MockServer) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "ping")
        found.say({"type": "command_result", "id": command_id, "command": "pong"} | ACK)
        found.say({"type": "command_result", "id": command_id[:-1], "command": "ping"} | ACK)
        settle(found)
    assert violations(gateway) == [
        "command_result says 'pong' of 'ping'",
        f"command_result for {command_id[:-1]!r}, which is no typed command",
    ]


def test_a_bare_command_has_no_command_result(server: MockServer) -> None:
    with device(server) as found:
        command_id = server.command("dev-1", "start_stream")
        found.say({"type": "command_result", "id": command_id, "command": "start_stream"} | ACK)
        settle(found)
    (violation,) = violations(server)
    assert violation.endswith("which is no typed command")


def test_a_stream_that_was_refused_is_no_stream(gateway: MockServer) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "start_stream")
        for event in (ACK, FAILED):
            found.say(
                {"type": "command_result", "id": command_id, "command": "start_stream"} | event
            )
        settle(found)
        assert gateway.device("dev-1")["streams"] == []


def test_a_bare_stream_that_was_refused_is_no_stream(server: MockServer) -> None:
    refusal = FAULT | {"source": "start_stream", "error": "interval_ms: -1; give more"}
    with device(server) as found, watcher(server) as page:

        def streams() -> list[str]:
            settle(found)
            return [stream["id"] for stream in server.device("dev-1")["streams"]]

        server.command("dev-1", "start_stream", {"id": "first", "metrics": ["x"]})
        found.say(telemetry(1))
        server.command("dev-1", "start_stream", {"id": "refused"})
        # Under way: it proves nothing, as the first stream asked for it too.
        found.say(telemetry(2))
        found.say(refusal)
        assert streams() == ["first"]
        assert page.hear_until("device_error")["error"] == refusal["error"]
        found.say(refusal)
        assert streams() == ["first"]
        # One that was stopped before its refusal came takes nothing with it.
        server.command("dev-1", "start_stream", {"id": "unproven", "metrics": ["x"]})
        server.command("dev-1", "start_stream", {"id": "stopped", "metrics": ["x"]})
        server.command("dev-1", "stop_stream", {"id": "stopped"})
        found.say(refusal)
        assert streams() == ["first", "unproven"]


START = {"event": "start", "command": "blink"}
DATA = {"event": "data", "data": "text"}
EXIT = {"event": "exit", "code": 0}


@pytest.mark.parametrize(
    ("events", "expected", "is_open"),
    [
        ([], [], True),
        ([START, DATA], [], True),
        ([START, DATA, DATA, EXIT], [], False),
        ([START, {"event": "timeout"}], [], False),
        ([{"event": "error", "error": "unknown"}], [], False),
        ([DATA], ["output data before start for 'execute'"], True),
        ([EXIT], ["output exit before start for 'execute'"], False),
        ([START, START], ["output start twice for 'execute'"], True),
        ([START, EXIT, DATA], ["output data after the end of 'execute'"], False),
        ([START, EXIT, EXIT], ["output exit after the end of 'execute'"], False),
    ],
)
def test_output_has_one_start_and_one_end(
    server: MockServer, events: list[Any], expected: list[str], is_open: bool
) -> None:
    with device(server) as found:
        command_id = server.command("dev-1", "execute", {"command": "blink"})
        for event in events:
            found.say({"type": "output", "id": command_id} | event)
        settle(found)
        known = server.device("dev-1")
        assert known["violations"] == expected
        assert bool(known["open_commands"]) == is_open


@pytest.mark.parametrize("events", [[DATA, EXIT], [EXIT]])
def test_a_start_that_was_lost_with_its_connection_is_not_held_against_the_device(
    server: MockServer, events: list[Any]
) -> None:
    with device(server):
        command_id = server.command("dev-1", "execute", {"command": "blink"})
    with device(server) as found:
        for event in events:
            found.say({"type": "output", "id": command_id} | event)
        settle(found)
        assert not server.device("dev-1")["open_commands"]
    assert violations(server) == []


def test_an_ack_that_was_lost_with_its_connection_is_not_held_against_the_device(
    gateway: MockServer,
) -> None:
    with device(gateway):
        command_id = gateway.command("dev-1", "blink")
    with device(gateway) as found:
        answer = {"type": "command_result", "id": command_id, "command": "blink"}
        found.say(answer | {"event": "result", "result": {}})
        settle(found)
        assert not gateway.device("dev-1")["open_commands"]
    assert violations(gateway) == []


def test_output_must_be_of_a_command_that_runs(gateway: MockServer) -> None:
    with device(gateway) as found:
        command_id = gateway.command("dev-1", "configure")
        found.say({"type": "output", "id": command_id} | START)
        found.say({"type": "output", "id": "e1"} | START)
        settle(found)
        assert len(violations(gateway)) == 2
        found.say({"type": "output", "id": gateway.command("dev-1", "blink")} | START)
        settle(found)
        assert len(violations(gateway)) == 2


def test_telemetry_must_have_been_asked_for(either: MockServer) -> None:
    with device(either) as found:
        found.say(telemetry(1))
        settle(found)
        either.command("dev-1", "start_stream", {"metrics": ["dev-1:x"]})
        found.say(telemetry(1))
        found.say(telemetry(1, metric="y"))
        settle(found)
        expected = [f"telemetry that no stream asked for: {name}" for name in ("x", "y")]
        assert violations(either) == expected
        either.command("dev-1", "start_session")
        either.command("dev-1", "stop_session", {"session_id": "s"})
        either.command("dev-1", "stop_stream", {"id": "*"})
        # What was under way when the stream was stopped.
        found.say(telemetry(1, metric="y"))
        settle(found)
        assert violations(either) == expected


def test_a_stream_does_not_outlive_its_connection(server: MockServer) -> None:
    with device(server):
        server.command("dev-1", "start_stream")
    with device(server) as found:
        found.say(telemetry(1))
        settle(found)
    assert violations(server) == ["telemetry that no stream asked for: x"]


def test_confirmations_must_not_come_unasked_or_twice(server: MockServer) -> None:
    with device(server) as found:
        found.say(type="pong")
        settle(found)
        server.command("dev-1", "ping")
        found.say(type="pong")
        server.command("dev-1", "start_session", {"session_id": "s1"})
        found.say(type="session_started", session_id="s1")
        settle(found)
        server.command("dev-1", "start_session", {"session_id": "s1"})
        found.say(type="session_started", session_id="s1")
        found.say(type="session_started", session_id="s1")
        found.say(type="session_stopped", session_id="s2")
        found.say(type="session_stopped", session_id="s1")
        settle(found)
    assert violations(server) == [
        "pong without a ping",
        "session_started twice for 's1'",
        "session_stopped for 's2', which was not active",
    ]


def test_a_session_is_announced_again_after_a_reconnection(server: MockServer) -> None:
    for _ in range(2):
        with device(server) as found:
            assert server.device("dev-1")["session"] is None
            found.say(type="session_started", session_id="s1")
            settle(found)
            assert server.device("dev-1")["session"]["session_id"] == "s1"
    assert violations(server) == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"metrics": ["x"]}, ["telemetry that no stream asked for: y"]),
        ({"metrics": []}, []),
        (None, []),
    ],
)
def test_telemetry_of_a_session_is_asked_for_on_later_connections_too(
    either: MockServer, params: Any, expected: list[str]
) -> None:
    announcement = {"type": "session_started", "session_id": "s1"}
    with device(either) as found:
        if params is not None:  # else it is one of the device's own
            command_id = either.command("dev-1", "start_session", {"session_id": "s1"} | params)
            if "command" in found.hear():
                for event in (ACK, DONE):
                    answer = {"type": "command_result", "id": command_id} | event
                    found.say(answer | {"command": "start_session"})
        found.say(announcement)
        settle(found)
        started_ms = either.device("dev-1")["session"]["started_ms"]
    for _ in range(2):
        with device(either) as found:
            found.say(announcement)
            found.say(telemetry(1))
            settle(found)
            assert either.device("dev-1")["session"]["started_ms"] == started_ms
    assert violations(either) == []
    with device(either) as found:
        found.say(announcement)
        found.say(telemetry(1, metric="y"))
        settle(found)
    assert violations(either) == expected


def test_a_session_begun_anew_has_a_new_start(server: MockServer) -> None:
    with device(server) as found:
        starts = []
        for _ in range(2):
            server.command("dev-1", "start_session", {"session_id": "s1"})
            found.say(type="session_started", session_id="s1")
            settle(found)
            starts.append(server.device("dev-1")["session"]["started_ms"])
            found.say(type="session_stopped", session_id="s1")
            server.wait_until(lambda _, at_ms=starts[-1]: time.time() * 1000 > at_ms + 2)
            settle(found)
    assert starts[1] > starts[0]


def open_commands(server: MockServer) -> list[str]:
    return [command["command"] for command in server.device("dev-1")["open_commands"]]


def test_commands_of_before_a_restart_are_over(either: MockServer) -> None:
    with device(either) as found:
        command_id = either.command("dev-1", "execute", {"command": "blink"})
        found.say({"type": "output", "id": command_id} | START)
        settle(found)
        sent_s = time.time()
    with device(either) as found, watcher(either) as page:
        found.say(HEARTBEAT, uptime_s=100_000)  # it is still the same run
        settle(found)
        assert open_commands(either) == ["execute"]
        # Before now by less than what counting whole seconds makes of it.
        either.wait_until(lambda _: time.time() > sent_s + 2.1)
        found.say(HEARTBEAT, uptime_s=0)
        end = page.hear_until("output")
        assert (end["id"], end["event"], end["error"]) == (
            command_id, "error", "the device restarted",
        )  # fmt: skip
        assert open_commands(either) == []
        assert violations(either) == []


def test_commands_that_a_device_does_not_tell_of_any_more_are_over(
    gateway: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.TOLD_WITHIN_S == 60
    monkeypatch.setattr(devices, "TOLD_WITHIN_S", 0.05)
    with device(gateway):
        run_id = gateway.command("dev-1", "blink")
        gateway.command("dev-1", "configure", {"sensor": "IMU", "config": {}})
    with watcher(gateway) as page, device(gateway) as found:
        gateway.command("dev-1", "ping")
        assert page.hear_until("output")["id"] == run_id
        assert page.hear_until("command_result")["event"] == "error"
        assert open_commands(gateway) == ["ping"]
        # It does after all, which is no fault.
        answer = {"type": "command_result", "id": run_id, "command": "blink"}
        for message in (answer | ACK, {"type": "output", "id": run_id} | START):
            found.say(message)
        settle(found)
        assert open_commands(gateway) == ["blink", "ping"]
        assert violations(gateway) == []


# Faults


def test_a_scripted_error_loses_one_message(gateway: MockServer) -> None:
    gateway.script({"socket": "RATE_LIMITED"})
    with device(gateway) as found:
        gateway.command("dev-1", "start_stream")
        found.hear()
        found.say(telemetry(1))
        answer = found.hear()
        assert (answer["type"], answer["code"]) == ("error", "RATE_LIMITED")
        found.say(telemetry(2))
        settle(found)
        assert gateway.device("dev-1")["frames"] == 1
        assert violations(gateway) == []
    assert gateway.faults() == []


def test_scripted_trouble_with_storage_closes_with_1013(either: MockServer) -> None:
    either.script({"socket": "REDIS_UNAVAILABLE"})
    with device(either) as found:
        found.say(telemetry(1))
        assert "REDIS_UNAVAILABLE" in json.dumps(found.hear())
        assert found.hear_end() == 1013
    with device(either):
        pass


@pytest.mark.parametrize("effect", ["drop", "reset"])
def test_a_scripted_end_has_no_close_frame(server: MockServer, effect: str) -> None:
    server.script({"socket": effect})
    with device(server) as found:
        found.say(HEARTBEAT)
        settle(found)
        found.say(telemetry(1))
        assert found.hear_end() is None


def test_a_scripted_stall_reads_nothing_for_its_time(server: MockServer) -> None:
    server.script({"socket": "stall", "hold_ms": 300})
    with device(server) as found:
        server.command("dev-1", "start_stream")
        found.say(telemetry(1))
        found.say(HEARTBEAT)
        settle(found)
        known = server.device("dev-1")
        assert (known["frames"], known["uptime_s"]) == (1, 12)
        at_ms = {row["message"]["type"]: row["at_ms"] for row in server.messages("dev-1")}
        assert at_ms["heartbeat"] - at_ms["telemetry"] >= 290


def test_a_scripted_silence_meets_the_type_it_names(server: MockServer) -> None:
    server.script(
        {"socket": "ignore", "on": "device_auth"}, {"socket": "ignore", "on": "heartbeat"}
    )
    with peer(server.ws_url) as found:
        found.say(INTRODUCTION)
        settle(found)
        assert server.devices() == []
    with device(server) as found:
        for uptime_s in (1, 2):
            found.say(HEARTBEAT, uptime_s=uptime_s)
            settle(found)
            known = server.device("dev-1")["uptime_s"]
            assert known == (None if uptime_s == 1 else 2)


def test_a_socket_fault_meets_no_request_and_a_request_fault_no_message(
    server: MockServer,
) -> None:
    with device(server) as found:
        server.script({"status": 503}, {"socket": "drop", "path": "/party"})
        found.say(telemetry(1))
        settle(found)
        assert len(server.faults()) == 2
        assert requests.get(server.url, timeout=TIMEOUT_S).status_code == 503
        assert requests.get(server.url, timeout=TIMEOUT_S).status_code == 200


@pytest.mark.parametrize(
    "action",
    [
        {"socket": "x"},
        {"on": "telemetry"},
        {"socket": "drop", "status": 500},
        {"socket": "drop", "on": 1},
    ],
)
def test_a_socket_fault_that_makes_no_sense_is_refused(action: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        Action.parse(action)


# Watchers


def is_connected(told: dict[str, Any]) -> bool:
    """Whether the only device is. The server may say more than once that there is none."""
    return bool(told["devices"]) and told["devices"][0]["connected"]


def test_a_watcher_is_told_who_is_there_and_of_each_change(server: MockServer) -> None:
    with watcher(server) as page:
        assert page.hear() == {"type": "devices", "devices": []}
        with device(server):
            while not is_connected(page.hear()):
                pass
        while is_connected(page.hear()):
            pass


def test_what_a_device_says_is_relayed_with_its_source(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        server.command("dev-1", "start_stream")
        server.command("dev-1", "ping")
        command_id = server.command("dev-1", "blink")
        said = [
            telemetry(1), {"type": "pong"}, FAULT,
            {"type": "session_started", "session_id": "s"},
            {"type": "session_stopped", "session_id": "s"},
            {"type": "output", "id": command_id} | START,
        ]  # fmt: skip
        for message in said:
            found.say(message)
        relayed = []
        while len(relayed) < len(said):
            message = page.hear()
            if message["type"] != "devices":
                relayed.append(message)
    assert relayed == [message | {"source_id": "dev-1"} for message in said]


def test_command_results_are_relayed(gateway: MockServer) -> None:
    with device(gateway) as found, watcher(gateway) as page:
        page.say(type="command", source_id="dev-1", command="ping")
        sent = page.hear_until("sent")
        assert (sent["source_id"], sent["command"]) == ("dev-1", "ping")
        result = {"type": "command_result", "id": sent["id"], "command": "ping"} | ACK
        found.say(result)
        assert page.hear_until("command_result") == result | {"source_id": "dev-1"}


def test_a_message_that_was_refused_is_not_relayed(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        server.command("dev-1", "start_stream")
        found.say(telemetry(None))
        found.say(telemetry(5))
        assert page.hear_until("telemetry")["points"][0]["value"] == 5


def test_a_watcher_sends_commands(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        page.say(type="command", source_id="dev-1", command="start_stream", params={"id": "st"})
        assert found.hear() == {"type": "start_stream", "id": "st", "source_id": "dev-1"}
        answer = {"type": "sent", "source_id": "dev-1", "command": "start_stream", "id": "st"}
        assert page.hear_until("sent") == answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", 'type must be "command"'),
        ('{"type": "command"}', "no device 'None' has connected"),
        ('{"type": "command", "source_id": "dev-1"}', "command must be a string"),
        (
            '{"type": "command", "source_id": "dev-1", "command": "ping", "params": 1}',
            "params must be an object",
        ),
    ],
)
def test_what_a_watcher_may_not_is_refused_in_words(
    server: MockServer, text: str, words: str
) -> None:
    with device(server), watcher(server) as page:
        page.connection.send(text)
        assert page.hear_until("refused")["error"].startswith(words)


def test_a_page_from_elsewhere_may_not_watch(server: MockServer) -> None:
    url = server.admin_url.replace("http", "ws") + "/admin/live"
    with peer(url, origin=server.admin_url) as page:
        assert page.hear()["type"] == "devices"
    with (
        pytest.raises(InvalidStatus) as refused,
        peer(url, origin="https://elsewhere.example"),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_the_watchers_path_wants_a_websocket(server: MockServer) -> None:
    answer = requests.get(server.admin_url + "/admin/live", timeout=TIMEOUT_S)
    assert answer.status_code == 426


def test_several_watchers_get_every_frame_in_order(server: MockServer) -> None:
    with (
        device(server) as found, watcher(server) as one, watcher(server) as two,
        watcher(server) as three,
    ):  # fmt: skip
        server.command("dev-1", "start_stream")
        for number in range(500):
            found.say(telemetry(number))
        for page in (one, two, three):
            seen = [page.hear_until("telemetry")["points"][0]["value"] for _ in range(500)]
            assert seen == list(range(500))


def test_a_slow_watcher_is_dropped_and_slows_nobody(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MAX_UNREAD_BYTES", 256 * 1024)
    message = telemetry(1) | {"filler": "a" * 100_000}
    with (
        device(server) as found, watcher(server) as page,
        Raw(server, "/admin/live", server.admin_url, receive_bytes=4096) as slow,
    ):  # fmt: skip
        server.command("dev-1", "start_stream")
        # More than the system keeps for one that does not read.
        for _ in range(200):
            found.say(message)
            page.hear_until("telemetry")
        assert server.device("dev-1")["frames"] == 200
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                slow.frame()


def test_a_list_of_devices_larger_than_what_may_wait_is_shown(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MAX_UNREAD_BYTES", 500)
    with device(server) as found, watcher(server) as page:
        assert page.hear()["devices"][0]["connected"] is True
        found.say(HEARTBEAT, uptime_s=77)
        while page.hear_until("devices")["devices"][0]["uptime_s"] != 77:
            pass


def test_the_start_is_described_as_it_is_printed(server: MockServer) -> None:
    def labels(text: str) -> list[str]:
        return [line.strip().split(":")[0] for line in text.strip().splitlines()]

    written = (Path(REPOSITORY) / "docs" / "mock-server.md").read_text()
    written = written.split("python -m tools mock-server\n\n", 1)[1].split("\n\n", 2)[0]
    with MockServer() as plain:
        printed = plain._call(describe)
    assert labels(written) == labels(printed)


def test_an_outage_leaves_watchers_on_the_admin_port(server: MockServer) -> None:
    with watcher(server) as page:
        page.hear()
        server.outage()
        server.restore()
        with device(server):
            while not is_connected(page.hear()):
                pass
