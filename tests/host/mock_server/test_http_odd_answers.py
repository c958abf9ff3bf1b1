"""Scripted answers that are odd in their form: what stands around, before and behind them."""

import dataclasses
import gzip
import json

import pytest

from tests.fixtures.posts import batch, connect, post, read_all
from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES

SUCCESS = {"success": True, "count": 1, "persisted": True, "persistedCount": 1}


def stored(server: MockServer) -> int:
    return server.counts()["points"]


def test_a_label_names_the_fault_in_the_record_of_requests(server: MockServer) -> None:
    server.script({"label": "busy", "status": 503})
    post(server)
    assert server.requests()[0]["verdict"].startswith("scripted busy: ")


def test_requests_can_be_asked_for_from_one_on(server: MockServer) -> None:
    for _ in range(3):
        post(server)
    first, *rest = [request["id"] for request in server.requests()]
    assert [request["id"] for request in server.requests(since_id=first)] == rest


def test_an_answer_that_nobody_asked_to_be_compressed_is_gzip(server: MockServer) -> None:
    server.script({"gzip": True})
    head, _, body = read_all(connect(server, "1.0")).partition(b"\r\n\r\n")
    assert b"\r\nContent-Encoding: gzip" in head
    assert json.loads(gzip.decompress(body)) == SUCCESS
    assert stored(server) == 0


def test_blanks_around_the_length_are_no_part_of_it(server: MockServer) -> None:
    server.script({"blanks": True})
    assert b"Content-Length:  \t62 \t\r\n" in read_all(connect(server, "1.0"))
    assert stored(server) == 1


def test_an_interim_answer_goes_before_the_true_one(server: MockServer) -> None:
    server.script({"interim": 100})
    raw = read_all(connect(server, "1.0"))
    assert raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n")
    assert stored(server) == 1


def test_an_answer_that_comes_twice_is_stored_once(server: MockServer) -> None:
    server.script({"twice": True})
    raw = read_all(connect(server, "1.0"))
    half = len(raw) // 2
    assert raw[:half] == raw[half:]
    assert stored(server) == 1


def test_an_answer_that_drips_is_whole_in_the_end(server: MockServer) -> None:
    server.script({"drip_ms": 0})
    body = read_all(connect(server, "1.0")).partition(b"\r\n\r\n")[2]
    assert json.loads(body) == SUCCESS
    assert stored(server) == 1


@pytest.mark.parametrize(("more", "status"), [({}, 503), ({"status": 413}, 413)])
def test_an_answer_can_come_before_the_request_is_read(
    server: MockServer, more: dict[str, int], status: int
) -> None:
    server.script({"unread": True, **more})
    raw = read_all(connect(server))
    assert raw.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close\r\n" in raw
    assert server.requests()[0]["body_bytes"] == 0
    assert stored(server) == 0


def test_an_answer_is_reset_after_as_many_bytes_as_told(server: MockServer) -> None:
    server.script({"read_then_reset": True, "cut_after": 20, "store": True})
    connection = connect(server)
    with connection:
        assert connection.recv(20) == b"HTTP/1.1 200 OK\r\nDat"
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert stored(server) == 1


@pytest.mark.parametrize(
    ("named", "message"), [(True, "points[1].metric is not allowed"), (False, "a metric is not")]
)
def test_a_metric_that_the_server_refuses_refuses_its_batch(named: bool, message: str) -> None:
    profile = dataclasses.replace(PROFILES["documented"], refused_metrics={"bad": named})
    with MockServer(profile) as server:
        document = batch(1, 2)
        document["points"][1]["metric"] = "bad"
        answer = post(server, document)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(message)
        assert post(server).status_code == 200
        assert stored(server) == 1
