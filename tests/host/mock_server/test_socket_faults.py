"""Faults of the mock server's sockets, as a device meets them."""

import json
from typing import Any

import pytest
import requests

from tests.fixtures.peers import (
    HEARTBEAT,
    INTRODUCTION,
    TIMEOUT_S,
    device,
    peer,
    settle,
    telemetry,
    violations,
)
from tools.mock_server import MockServer
from tools.mock_server.faults import Action, FaultError


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
        server.script({"status": 503}, {"socket": "drop", "path": "/ws"})
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
