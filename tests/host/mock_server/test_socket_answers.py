"""How the mock server judges a device's answers to commands: their order, and what they change."""

import time
from typing import Any

import pytest

from tests.fixtures.peers import (
    ACK,
    DATA,
    DONE,
    EXIT,
    FAILED,
    FAULT,
    HEARTBEAT,
    START,
    device,
    settle,
    violations,
    watcher,
)
from tools.mock_server import MockServer, devices


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


def test_output_must_be_of_a_command_that_runs(wrapped: MockServer) -> None:
    with device(wrapped) as found:
        command_id = wrapped.command("dev-1", "configure")
        found.say({"type": "output", "id": command_id} | START)
        found.say({"type": "output", "id": "e1"} | START)
        settle(found)
        assert len(violations(wrapped)) == 2
        found.say({"type": "output", "id": wrapped.command("dev-1", "blink")} | START)
        settle(found)
        assert len(violations(wrapped)) == 2


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
    wrapped: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.TOLD_WITHIN_S == 60
    monkeypatch.setattr(devices, "TOLD_WITHIN_S", 0.05)
    with device(wrapped):
        run_id = wrapped.command("dev-1", "blink")
        wrapped.command("dev-1", "configure", {"sensor": "IMU", "config": {}})
    with watcher(wrapped) as page, device(wrapped) as found:
        wrapped.command("dev-1", "ping")
        assert page.hear_until("output")["id"] == run_id
        assert page.hear_until("command_result")["event"] == "error"
        assert open_commands(wrapped) == ["ping"]
        # It does after all, which is no fault.
        answer = {"type": "command_result", "id": run_id, "command": "blink"}
        for message in (answer | ACK, {"type": "output", "id": run_id} | START):
            found.say(message)
        settle(found)
        assert open_commands(wrapped) == ["blink", "ping"]
        assert violations(wrapped) == []
