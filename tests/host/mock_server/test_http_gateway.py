"""The mock server as the gateway: what it answers otherwise, its rates and its patience."""

import dataclasses
import time
from collections.abc import Iterator

import pytest
import requests

from tests.fixtures.posts import KEY, TIMEOUT_S, batch, exchange, post
from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES


def test_the_gateway_names_the_source(gateway: MockServer) -> None:
    assert post(gateway, batch(1)).json() == {"success": True, "count": 1, "source_id": "s1"}
    assert post(gateway, batch()).json() == {"success": True, "count": 0, "source_id": "s1"}


def test_the_gateway_does_not_name_several_sources(gateway: MockServer) -> None:
    document = batch(1, 2)
    document["points"][0]["source_id"] = "s2"
    assert post(gateway, document).json() == {"success": True, "count": 2}


def test_a_source_over_its_rate_is_answered_200_with_no_count() -> None:
    with MockServer(profile="gateway", rate_limit=3) as server:
        counts = [post(server, batch(1)).json()["count"] for _ in range(5)]
        other = post(server, batch(1, source_id="s2")).json()["count"]
        # Which requests shared a second is up to the machine; the first three always pass.
        assert counts[:3] == [1, 1, 1]
        assert other == 1
        assert len(server.points()) == sum(counts) + 1
        server.wait_until(lambda s: post(s, batch(1)).json()["count"] == 1)


def test_the_rate_limit_leaves_points_uncounted() -> None:
    with MockServer(profile="gateway", rate_limit=1) as server, requests.Session() as session:

        def second_count(_server: MockServer) -> bool:
            # Two requests in a row; on a machine that slow, try again.
            answers = [
                session.post(server.url + "/ingest", json=batch(1), headers=KEY, timeout=TIMEOUT_S)
                for _ in range(2)
            ]
            return answers[1].json()["count"] == 0

        server.wait_until(second_count)
        assert server.requests()[-1]["verdict"] == "0 points stored; 1 dropped: SOURCE_LIMIT"


def test_the_gateway_refuses_a_key_without_reading_a_large_body(gateway: MockServer) -> None:
    raw = b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
    answer = exchange(gateway, raw)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in answer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockServer]:
    """A server that waits for headers as the gateway does, only 50 ms in place of 5 s."""
    assert PROFILES["gateway"].header_timeout_ms == 5000
    quick = dataclasses.replace(PROFILES["gateway"], header_timeout_ms=50)
    monkeypatch.setitem(PROFILES, "gateway", quick)
    with MockServer(profile="gateway") as server:
        yield server


def test_the_gateway_closes_a_connection_that_sends_no_whole_headers(
    impatient: MockServer,
) -> None:
    assert exchange(impatient, b"POST /ingest HTTP/1.1\r\nHost: x\r\n") == b""
    assert exchange(impatient, b"") == b""


def test_the_gateway_has_no_limit_for_answers_and_idle_connections(impatient: MockServer) -> None:
    impatient.script({"delay_ms": 200})
    with requests.Session() as session:
        for _ in range(2):
            answer = session.post(
                impatient.url + "/ingest", json=batch(1), headers=KEY, timeout=TIMEOUT_S
            )
            assert answer.status_code == 200
            # Idle for longer than headers may take.
            time.sleep(0.2)
    assert len({request["connection"] for request in impatient.requests()}) == 1
