"""What a device may say to the mock server, what is a violation, and what is kept of it."""

import dataclasses
import json
import struct
from typing import Any

import pytest

from tests.fixtures.peers import (
    FAULT,
    HEARTBEAT,
    INTRODUCTION,
    NOW_MS,
    OUTPUT,
    RESULT,
    device,
    peer,
    settle,
    telemetry,
    violations,
)
from tests.fixtures.posts import admin
from tools.mock_server import MockServer, devices, transcript
from tools.mock_server.profiles import PROFILES
from tools.mock_server.rates import Rate

GOOD = [
    HEARTBEAT,
    {"type": "heartbeat", "source_id": "dev-1", "uptime_s": 12.5, "agent_version": "1"},
    FAULT,
    {"type": "device_error", "source_id": "dev-1", "source": "a", "error": "", "severity": "error"},
    {"type": "session_started", "session_id": "own", "session_name": "My own"},
    telemetry(1, "on", True, {"x": 1}, [1, 2], tags={"session_id": "s1"}, session_id="s1"),
    telemetry(1, tags={"session_id": "s1"}) | {"session_id": "s1"},
]


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_a_good_message_is_no_violation(either: MockServer, message: dict[str, Any]) -> None:
    with device(either) as found:
        either.command("dev-1", "start_stream")
        found.hear()
        found.say(message)
        settle(found)
        assert violations(either) == []
        assert either.messages("dev-1")[-1]["message"] == message


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
        # Only the head of a masked text frame of that length (RFC 6455, section 5.2): bytes that
        # the server leaves unread become a reset, which may overtake its close frame.
        found.connection.socket.sendall(struct.pack("!BBQ4x", 0x81, 0xFF, 1024 * 1024 + 1))
        assert found.hear_end() == 1009
    assert violations(server)[0].startswith("the server closed with 1009")


def test_the_gateway_limits_messages_a_second() -> None:
    gateway = PROFILES["gateway"]
    assert gateway.message_rate == Rate(20, burst=60)
    assert gateway.telemetry_rate == Rate(500, burst=2000)
    assert PROFILES["documented"].message_rate is None
    slow = dataclasses.replace(
        gateway, message_rate=Rate(1e-6, burst=3), telemetry_rate=Rate(1e-6, burst=1)
    )
    with MockServer(slow) as server, device(server) as found:
        server.command("dev-1", "start_stream")
        found.hear()
        found.say(telemetry(1))
        for uptime_s in (1, 2, 3, 4):
            found.say(HEARTBEAT, uptime_s=uptime_s)
        assert found.hear()["code"] == "RATE_LIMITED"
        found.say(telemetry(2))
        assert found.hear()["code"] == "RATE_LIMITED"
        assert violations(server) == [
            f"RATE_LIMITED: too many messages of type {kind}" for kind in ("heartbeat", "telemetry")
        ]
        known = server.device("dev-1")
        assert (known["uptime_s"], known["points"]) == (3, 1)


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
        path = f"/admin/devices/dev-1/messages?since_id={rows[0]['id']}&limit=2"
        assert admin(server, "GET", path).json() == {"messages": rows[1:3]}
        path = "/admin/devices/dev-1/messages?limit=2&newest=1"
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
