"""Devices at the mock server: who is let in, who leaves, and who answers pings."""

import dataclasses
import json
import ssl
import time
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus

from tests.fixtures.peers import (
    INTRODUCTION,
    PING,
    PONG,
    TEXT,
    TIMEOUT_S,
    Raw,
    device,
    peer,
    settle,
    watcher,
)
from tools.mock_server import MockServer
from tools.mock_server.devices import DeviceError
from tools.mock_server.profiles import PROFILES


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
        assert (row["method"], row["path"], row["status"]) == ("GET", "/party/org_mock", 101)
        assert (row["key"], row["verdict"]) == ("accepted", "device dev-1 authenticated")
    server.wait_until(lambda s: s.requests()[0]["verdict"].endswith("ended with code 1000"))


@pytest.mark.parametrize("path", ["/ws/device", "/party/org_mock"])
def test_a_plain_request_is_told_to_upgrade(server: MockServer, path: str) -> None:
    answer = requests.get(server.url + path, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert requests.post(server.url + path, timeout=TIMEOUT_S).status_code == 405


def test_a_scripted_status_refuses_the_handshake(server: MockServer) -> None:
    server.script({"status": 503, "path": "/party"})
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
