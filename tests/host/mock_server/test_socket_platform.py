"""The mock server's socket as the platform of today: stored telemetry, acknowledgements."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fixtures.peers import (
    HEARTBEAT,
    INTRODUCTION,
    NOW_MS,
    OUTPUT,
    START,
    Peer,
    peer,
    settle,
    telemetry,
    violations,
)
from tests.fixtures.posts import batch, post
from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES
from tools.mock_server.rates import Rate

ACKS = {"protocol": 1, "acks": True, "hears_goodbye": True, "commands": []}


@contextmanager
def device(server: MockServer, **fields: Any) -> Iterator[Peer]:
    """An authenticated device that can hear acknowledgements."""
    with peer(server.ws_url) as found:
        found.say(INTRODUCTION, **(ACKS | fields))
        assert found.hear()["type"] == "authenticated"
        yield found


def stored(server: MockServer) -> list[tuple[Any, str]]:
    return [(point["value"], point["via"]) for point in server.points()]


def test_a_device_is_told_what_it_may_use(platform: MockServer) -> None:
    with peer(platform.ws_url) as found:
        found.say(INTRODUCTION, **ACKS)
        answer = found.hear()
        now_ms = time.time() * 1000
        assert abs(answer.pop("server_time_ms") - now_ms) < 60_000
        assert answer == {
            "type": "authenticated", "source_id": "dev-1", "protocol": 1,
            "max_frame_bytes": 65536, "acks": True,
        }  # fmt: skip
        known = platform.device("dev-1")
        assert (known["protocol"], known["acks"], known["hears_goodbye"]) == (1, True, True)


def test_an_older_device_is_told_nothing_new(platform: MockServer) -> None:
    with peer(platform.ws_url) as found:
        found.say(INTRODUCTION)
        assert set(found.hear()) == {"type", "source_id", "server_time_ms"}
        found.say(telemetry(1))
        settle(found)
        assert platform.messages("dev-1")[-1]["from"] == "device"
    assert stored(platform) == [(1, "socket")]


def test_telemetry_is_stored_and_acknowledged_by_its_number(platform: MockServer) -> None:
    with device(platform) as found:
        for seq in (1, 2):
            found.say(telemetry(seq, "on"), seq=seq)
            assert found.hear() == {"type": "telemetry_ack", "seq": seq}
    assert violations(platform) == []
    assert stored(platform) == [(1, "socket"), ("on", "socket"), (2, "socket"), ("on", "socket")]
    (point, *_) = platform.points()
    assert (point["source_id"], point["timestamp_ms"], point["class"]) == (
        "dev-1",
        NOW_MS,
        "metric",
    )
    assert point["request_id"] == platform.requests()[0]["id"]


def test_telemetry_needs_no_source_and_belongs_to_who_authenticated(platform: MockServer) -> None:
    with device(platform, acks=False) as found:
        message = telemetry(1)
        del message["source_id"]
        found.say(message)
        settle(found)
        assert violations(platform) == []
        found.say(telemetry(2, source_id="other"))
        settle(found)
    assert [point["source_id"] for point in platform.points()] == ["dev-1", "dev-1"]
    assert violations(platform) == [
        "points[0].source_id is not the one that authenticated, and does not count"
    ]


def test_times_over_the_socket_are_milliseconds(platform: MockServer) -> None:
    with device(platform, acks=False) as found:
        found.say(telemetry(1, timestamp=1_699_900_000))
        settle(found)
    assert platform.points()[0]["timestamp_ms"] == 1_699_900_000
    (violation,) = violations(platform)
    assert "must be an integer of milliseconds" in violation


def test_numbers_go_up_by_one_from_one_on_each_connection(platform: MockServer) -> None:
    for _ in range(2):
        with device(platform) as found:
            found.say(telemetry(1), seq=1)
            found.hear()
    assert violations(platform) == []
    with device(platform) as found:
        for seq in (2, 2, 4, None, True):
            found.say(telemetry(1), seq=seq)
        settle(found)
    assert violations(platform) == [
        f"seq must be {wanted}, not {seq}" for wanted, seq in ((1, 2), (3, 4), (4, None), (5, True))
    ]


def test_what_is_refused_for_good_is_told_by_its_number(platform: MockServer) -> None:
    with device(platform) as found:
        found.say(telemetry(None), seq=1)
        answer = found.hear()
        assert (answer["code"], answer["seq"]) == ("INVALID_MESSAGE", 1)
        platform.limit(restricted=["dev-1"])
        found.say(telemetry(1), seq=2)
        answer = found.hear()
        assert (answer["code"], answer["seq"]) == ("SOURCE_LIMIT", 2)
        platform.limit(restricted=[], devices=0)
        found.say(telemetry(1), seq=3)
        assert found.hear()["code"] == "DEVICE_LIMIT"
        platform.limit(devices=None, restricted=["dev-1"], reports_dropped=False)
        found.say(telemetry(1), seq=4)
        settle(found)
        platform.limit(restricted=[])
        found.say(telemetry(5), seq=5)
        assert found.hear() == {"type": "telemetry_ack", "seq": 5}
    assert stored(platform) == [(5, "socket")]


def test_too_many_messages_are_told_by_their_number() -> None:
    slow = dataclasses.replace(PROFILES["platform"], telemetry_rate=Rate(1e-6, burst=1))
    with MockServer(slow) as server, device(server) as found:
        found.say(telemetry(1), seq=1)
        assert found.hear() == {"type": "telemetry_ack", "seq": 1}
        found.say(telemetry(2), seq=2)
        answer = found.hear()
        assert (answer["code"], answer["seq"]) == ("RATE_LIMITED", 2)


def test_trouble_with_storage_confirms_nothing(platform: MockServer) -> None:
    platform.script({"socket": "REDIS_UNAVAILABLE"})
    with device(platform) as found:
        found.say(telemetry(1), seq=1)
        answer = found.hear()
        assert (answer["code"], "seq" in answer) == ("REDIS_UNAVAILABLE", False)
        assert found.hear_end() == 1013
    assert stored(platform) == []


@pytest.mark.parametrize("effect", ["drop", "ignore"])
def test_what_is_stored_may_be_left_without_its_acknowledgement(
    platform: MockServer, effect: str
) -> None:
    platform.script({"socket": effect, "store": True})
    with device(platform) as found:
        found.say(telemetry(1), seq=1)
        platform.wait_until(lambda s: s.counts()["points"] == 1)
        said = [row["message"]["type"] for row in platform.messages("dev-1")]
    assert said == ["device_auth", "authenticated", "telemetry"]


def test_a_goodbye_is_a_close_frame(platform: MockServer) -> None:
    with device(platform) as found:
        platform.disconnect("dev-1", 1001)
        assert found.hear_end() == 1001


def test_a_rate_is_of_both_ways_together() -> None:
    slow = dataclasses.replace(PROFILES["platform"], source_rate=Rate(1e-6, burst=2))
    with MockServer(slow) as server, device(server) as found:
        found.say(telemetry(1), seq=1)
        assert found.hear()["type"] == "telemetry_ack"
        assert post(server, batch(2, source_id="dev-1"), "/ingest").json()["count"] == 1
        found.say(telemetry(3), seq=2)
        assert found.hear()["code"] == "SOURCE_LIMIT"
        assert post(server, batch(4, source_id="dev-1"), "/ingest").json()["dropped"] == 1
        assert stored(server) == [(1, "socket"), (2, "http")]


@pytest.mark.parametrize(
    "message",
    [
        OUTPUT | START,
        {"type": "session_started", "session_id": "s"},
        {"type": "session_stopped", "session_id": "s"},
    ],
    ids=lambda message: message["type"],
)
def test_messages_of_another_contract_are_unknown(
    platform: MockServer, message: dict[str, Any]
) -> None:
    with device(platform) as found:
        found.say(message)
        answer = found.hear()
        assert answer["code"] == "INVALID_MESSAGE"
        assert answer["detail"].startswith(f"type {message['type']!r} is unknown")


def test_a_heartbeat_without_an_uptime_is_fine(platform: MockServer) -> None:
    with device(platform) as found:
        found.say(type="heartbeat", source_id="dev-1", agent_version="0.16.0")
        settle(found)
        assert (violations(platform), platform.device("dev-1")["uptime_s"]) == ([], None)


def test_what_is_handed_on_without_a_look_is_no_error_but_a_violation(
    platform: MockServer,
) -> None:
    with device(platform) as found:
        found.say(HEARTBEAT, uptime_s="long")
        settle(found)
        assert platform.messages("dev-1")[-1]["from"] == "device"
        assert violations(platform) == ["uptime_s must be a number from 0"]
        assert platform.device("dev-1")["uptime_s"] is None


def test_a_stream_takes_the_place_of_the_one_before(platform: MockServer) -> None:
    with device(platform) as found:
        for metric in ("x", "y"):
            platform.command("dev-1", "start_stream", {"id": "own", "metrics": [metric]})
            asked = found.hear()
            assert asked["params"] == {"source_id": "dev-1", "metrics": [metric]}
        (stream,) = platform.device("dev-1")["streams"]
        assert stream["metrics"] == ["y"]
        platform.command("dev-1", "stop_stream", {"id": "never-seen"})
        assert found.hear()["params"]["stream_id"] == "never-seen"
        assert platform.device("dev-1")["streams"] == []
