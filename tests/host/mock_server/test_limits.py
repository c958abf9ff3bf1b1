"""Limits of the mock server: whose readings are dropped, and how a client is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.peers import INTRODUCTION, device, peer, settle
from tests.fixtures.posts import admin, batch, post
from tools.mock_server import MockServer
from tools.mock_server.devices import DeviceError
from tools.mock_server.faults import FaultError

UNLIMITED = {
    "devices": None, "rate": None, "restricted": [], "reports_dropped": True, "streaming": True,
    "commands": True, "runs": True,
}  # fmt: skip


def two_sources(first: str, second: str) -> dict[str, Any]:
    """Three readings: one of the first source, two of the second."""
    document = batch(1, 2, 3, source_id=second)
    document["points"][0]["source_id"] = first
    return document


def test_a_restricted_sources_readings_are_dropped_and_the_others_are_stored(
    platform: MockServer,
) -> None:
    platform.limit(restricted=["dev-1"])
    answer = post(platform, two_sources("dev-1", "dev-2"), "/ingest")
    assert answer.json() == {"success": True, "count": 2, "dropped": 1}
    assert [point["value"] for point in platform.points()] == [2, 3]
    assert platform.requests()[0]["verdict"] == "2 points stored; 1 dropped: SOURCE_LIMIT"
    platform.limit(restricted=[])
    assert post(platform, two_sources("dev-1", "dev-2"), "/ingest").json()["count"] == 3


def test_what_is_dropped_may_show_in_the_count_alone(platform: MockServer) -> None:
    platform.limit(restricted=["s1"], reports_dropped=False)
    answer = post(platform, batch(1, 2), "/ingest")
    assert answer.json() == {"success": True, "count": 0, "source_id": "s1"}


def test_the_documented_server_has_limits_if_it_is_asked_to(server: MockServer) -> None:
    server.limit(restricted=["dev-1"])
    answer = post(server, two_sources("dev-1", "dev-2"))
    assert answer.json() == {"success": True, "count": 2, "persisted": True, "persistedCount": 2}


def test_devices_beyond_the_plans_number_are_dropped(platform: MockServer) -> None:
    platform.limit(devices=2)
    counts = [post(platform, batch(1, source_id=source), "/ingest").json()["count"]
              for source in ("a", "b", "c", "a")]  # fmt: skip
    assert counts == [1, 1, 0, 1]
    assert platform.requests()[2]["verdict"] == "0 points stored; 1 dropped: DEVICE_LIMIT"


def test_of_two_new_devices_in_a_batch_the_first_gets_the_last_place(platform: MockServer) -> None:
    platform.limit(devices=1)
    answer = post(platform, two_sources("b", "a"), "/ingest").json()
    assert (answer["count"], answer["dropped"]) == (1, 2)
    assert [point["source_id"] for point in platform.points()] == ["b"]


@pytest.fixture
def slow() -> Iterator[MockServer]:
    """A server on which a source has one batch in a very long time."""
    with MockServer("platform") as server:
        yield server


def test_a_source_over_its_rate_is_told_what_was_dropped(slow: MockServer) -> None:
    slow.limit(rate=1)

    def dropped(_server: MockServer) -> bool:
        # On a machine that is slow, a second lies between them.
        answers = [post(slow, batch(1, 2), "/ingest").json() for _ in range(2)]
        return [a["dropped"] for a in answers][1] == 2

    slow.wait_until(dropped)
    assert post(slow, batch(1, source_id="other"), "/ingest").json()["dropped"] == 0


def test_the_free_plan_is_several_limits_at_once(platform: MockServer) -> None:
    platform.limit(plan="free")
    free = {"devices": 3, "streaming": False, "commands": False, "runs": False}
    assert {name: platform.limits()[name] for name in free} == free
    platform.limit(plan="free", devices=5)
    assert platform.limits()["devices"] == 5
    platform.limit(plan="paid")
    assert platform.limits()["devices"] is None


def test_limits_are_changed_and_read_over_http(platform: MockServer) -> None:
    changed = admin(platform, "POST", "/admin/limits", json={"restricted": ["b", "a"], "rate": 5})
    assert changed.json() == platform.limits()
    assert changed.json()["restricted"] == ["a", "b"]
    assert admin(platform, "GET", "/admin/limits").json()["rate"] == 5


def test_a_reset_brings_back_the_limits_of_the_start() -> None:
    with MockServer("platform", rate_limit=0, plan="free") as server:
        server.limit(plan="paid", restricted=["a"])
        assert server.limits() == UNLIMITED | {"restricted": ["a"]}
        server.reset()
        assert (server.limits()["devices"], server.limits()["restricted"]) == (3, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], "limits must be an object"),
        ({"x": 1}, "unknown field 'x'"),
        ({"plan": "rich"}, "plan must be one of: free, paid"),
        ({"plan": []}, "plan must be one of"),
        ({"devices": -1}, "devices must be an integer from 0"),
        ({"devices": True}, "devices must be an integer from 0"),
        ({"rate": 0}, "rate must be an integer from 1"),
        ({"restricted": "a"}, "restricted must be an array of source ids"),
        ({"runs": 1}, "runs must be true or false"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_in_words(
    platform: MockServer, changes: Any, words: str
) -> None:
    before = platform.limits()
    answer = admin(platform, "POST", "/admin/limits", json=changes)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(words)
    assert platform.limits() == before


def test_a_limit_that_makes_no_sense_is_an_error_in_python(platform: MockServer) -> None:
    with pytest.raises(FaultError, match="unknown field 'device'"):
        platform.limit(device=1)


def test_a_plan_without_the_socket_refuses_devices(platform: MockServer) -> None:
    platform.limit(streaming=False)
    with peer(platform.ws_url) as found:
        found.say(INTRODUCTION)
        answer = found.hear()
        assert (answer["type"], answer["code"]) == ("error", "streaming_requires_plan")
        assert found.hear_end() == 1008
    assert platform.devices() == []


def test_a_plan_without_commands_is_told_once_to_who_has_some(platform: MockServer) -> None:
    platform.limit(commands=False)
    with device(platform) as found:
        assert found.hear()["code"] == "commands_not_permitted"
        with pytest.raises(DeviceError, match="not permitted"):
            platform.command("dev-1", "blink")
        settle(found)
        platform.limit(commands=True)
        platform.command("dev-1", "blink")
        assert found.hear()["command"] == "blink"
    with peer(platform.ws_url) as found:
        platform.limit(commands=False)
        found.say(INTRODUCTION, commands=[])
        found.hear()
        settle(found)
        assert platform.messages("dev-1")[-1]["message"]["type"] == "authenticated"
