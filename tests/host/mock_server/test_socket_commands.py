"""Commands that the mock server sends to a device, in both profiles."""

from typing import Any

import pytest

from tests.fixtures.peers import NOW_MS, TIMEOUT_S, device, settle, violations
from tests.fixtures.posts import admin
from tools.mock_server import MockServer
from tools.mock_server.devices import DeviceError

DEVICE = "/admin/devices/dev-1"


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
        answer = admin(server, "POST", DEVICE + "/commands", json={"command": "execute",
                       "params": {"command": "blink", "timeout_seconds": 5}})  # fmt: skip
        message = found.hear()
        assert answer.json() == {"id": message["id"]}
        assert (message["type"], message["timeout_seconds"]) == ("execute", 5)
        assert admin(server, "GET", "/admin/devices").json()["devices"] == server.devices()


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
        answer = admin(server, "POST", f"/admin/devices/{source_id}/commands", json=document)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_a_device_that_left_gets_no_commands(server: MockServer) -> None:
    with device(server):
        pass
    server.wait_until(lambda s: not s.device("dev-1")["connected"])
    assert admin(server, "POST", DEVICE + "/commands", json={"command": "ping"}).status_code == 409
    with pytest.raises(DeviceError, match="'dev-1' is not connected"):
        server.command("dev-1", "ping")


def test_any_text_can_be_said(server: MockServer) -> None:
    with device(server) as found:
        server.say("dev-1", "{bad")
        assert found.connection.recv(TIMEOUT_S) == "{bad"
        assert server.messages("dev-1")[-1]["message"] == "{bad"
        assert admin(server, "POST", DEVICE + "/say", json={"text": '{"type": "ping"}'}).ok
        assert found.hear() == {"type": "ping"}
        found.say(type="pong")
        settle(found)
        assert violations(server) == []
        assert admin(server, "POST", DEVICE + "/say", json={"text": 1}).status_code == 400


def test_a_device_can_be_disconnected_with_a_code_or_without(server: MockServer) -> None:
    with device(server) as found:
        server.disconnect("dev-1", 1012)
        assert found.hear_end() == 1012
    with device(server) as found:
        server.disconnect("dev-1")
        assert found.hear_end() is None
    with device(server) as found:
        assert admin(server, "POST", DEVICE + "/disconnect", json={"code": 1001}).ok
        assert found.hear_end() == 1001
    with device(server):
        assert admin(server, "POST", DEVICE + "/disconnect", json={"code": 5}).status_code == 400
