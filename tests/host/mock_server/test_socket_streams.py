"""How the mock server judges telemetry: the streams and sessions that asked for it."""

import time
from typing import Any

import pytest

from tests.fixtures.peers import (
    ACK,
    DONE,
    FAILED,
    FAULT,
    device,
    settle,
    telemetry,
    violations,
    watcher,
)
from tools.mock_server import MockServer


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
