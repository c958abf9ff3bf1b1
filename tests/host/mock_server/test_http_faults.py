"""Scripted faults of the mock server, each as a client meets it, and which requests they meet."""

import dataclasses
import json
import re
import time
from typing import Any

import pytest
import requests

from tests.fixtures.posts import KEY, TIMEOUT_S, admin, connect, post, read_all
from tools.build import REPOSITORY
from tools.mock_server import MockServer
from tools.mock_server.faults import Action, FaultError

SUCCESS = {"success": True, "count": 1, "persisted": True, "persistedCount": 1}


def stored(server: MockServer) -> int:
    return server.counts()["points"]


# What the answer says


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 413, 429, 500, 502, 503])
def test_any_status_can_be_answered_in_place_of_success(server: MockServer, status: int) -> None:
    server.script({"status": status})
    answer = post(server)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert stored(server) == 0
    assert server.requests()[0]["status"] == status


@pytest.mark.parametrize(
    ("given", "seen"), [(7, "7"), (0, "0"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2]
)
def test_retry_after_is_a_429_unless_told_otherwise(
    server: MockServer, given: int | str, seen: str
) -> None:
    server.script({"retry_after": given}, {"retry_after": given, "status": 503})
    answers = [post(server), post(server)]
    assert [answer.status_code for answer in answers] == [429, 503]
    assert [answer.headers["Retry-After"] for answer in answers] == [seen, seen]


def test_headers_are_added_replaced_and_removed(server: MockServer) -> None:
    server.script({"headers": {"X-Seen": "yes", "server": "other", "Date": None}})
    headers = post(server).headers
    assert (headers["X-Seen"], headers["Server"]) == ("yes", "other")
    assert "Date" not in headers
    assert stored(server) == 1


def test_a_body_may_be_text_or_json(server: MockServer) -> None:
    server.script({"body": "oops"}, {"body": {"success": False}, "status": 200})
    assert post(server).text == "oops"
    assert post(server).json() == {"success": False}
    assert stored(server) == 0


def test_a_captive_portal_answers_200_with_html(server: MockServer) -> None:
    server.script({"html": True})
    answer = post(server)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")
    assert "<h1>" in answer.text
    assert stored(server) == 0


@pytest.mark.parametrize(("status", "seen"), [(None, 307), (302, 302)])
def test_a_redirect_names_its_target(server: MockServer, status: int | None, seen: int) -> None:
    action = {"redirect": "http://elsewhere.example/ingest"}
    server.script(action if status is None else {**action, "status": status})
    answer = post(server)
    assert answer.status_code == seen
    assert answer.headers["Location"] == "http://elsewhere.example/ingest"
    assert stored(server) == 0


@pytest.mark.parametrize("count", [0, 5])
def test_a_wrong_count_is_a_success_that_miscounts(server: MockServer, count: int) -> None:
    server.script({"count": count})
    assert post(server).json() == {**SUCCESS, "count": count, "persistedCount": count}
    assert stored(server) == 0


def test_a_wrong_count_keeps_the_gateways_form() -> None:
    with MockServer(profile="gateway") as server:
        server.script({"count": 0})
        found = post(server, path="/ingest").json()
        assert found == {"success": True, "count": 0, "source_id": "s1"}


def test_a_204_has_no_body_and_stores_nothing(server: MockServer) -> None:
    server.script({"status": 204})
    answer = post(server)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer.headers
    assert stored(server) == 0


# How the answer is delivered


def test_a_chunked_answer_is_whole_and_stored(server: MockServer) -> None:
    server.script({"chunked": True}, {"chunked": 1})
    for _ in range(2):
        answer = post(server)
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.json() == SUCCESS
    assert stored(server) == 2


def test_an_answer_without_length_ends_with_the_connection(server: MockServer) -> None:
    server.script({"lengthless": True})
    raw = read_all(connect(server))
    assert b"Content-Length" not in raw
    assert json.loads(raw.partition(b"\r\n\r\n")[2]) == SUCCESS
    assert stored(server) == 1


def test_an_http_1_0_answer_closes_the_connection(server: MockServer) -> None:
    server.script({"http10": True})
    assert read_all(connect(server)).startswith(b"HTTP/1.0 200 OK\r\n")
    assert stored(server) == 1


@pytest.mark.parametrize("size", [0, 1, 20, 150])
def test_a_cut_answer_ends_after_exactly_that_many_bytes(server: MockServer, size: int) -> None:
    server.script({"cut_after": size})
    assert len(read_all(connect(server))) == size
    assert stored(server) == 0


def test_a_false_length_is_sent_as_scripted(server: MockServer) -> None:
    server.script({"headers": {"Content-Length": "999"}})
    assert b"Content-Length: 999\r\n" in read_all(connect(server))
    assert stored(server) == 0


def test_a_stall_before_the_headers_sends_nothing(server: MockServer) -> None:
    server.script({"stall": "before_headers", "hold_ms": 100})
    assert read_all(connect(server)) == b""
    assert server.requests()[0]["status"] is None
    assert stored(server) == 0


def test_a_stall_in_the_body_sends_half_of_it(server: MockServer) -> None:
    server.script({"stall": "in_body", "hold_ms": 100})
    head, _, body = read_all(connect(server)).partition(b"\r\n\r\n")
    assert b"Content-Length: 62" in head
    assert len(body) == 31
    assert stored(server) == 0


def test_a_stall_lasts_until_the_client_leaves(server: MockServer) -> None:
    server.script({"stall": "before_headers"})
    with pytest.raises(requests.ReadTimeout):
        post(server, timeout=0.2)
    assert post(server).status_code == 200


def test_a_delayed_answer_is_right_and_late(server: MockServer) -> None:
    server.script({"delay_ms": 300})
    started = time.monotonic()
    assert post(server).json() == SUCCESS
    assert time.monotonic() - started >= 0.3
    assert stored(server) == 1


def test_points_of_a_client_that_gave_up_waiting_are_stored(server: MockServer) -> None:
    server.script({"delay_ms": 60_000})
    with pytest.raises(requests.ReadTimeout):
        post(server, timeout=0.2)
    assert stored(server) == 1
    server.wait_until(lambda s: "client left" in s.requests()[0]["verdict"])


def test_trickled_headers_never_end(server: MockServer) -> None:
    server.script({"trickle_ms": 10, "hold_ms": 500})
    raw = read_all(connect(server))
    assert raw.startswith(b"HTTP/1.1 200 OK\r\nX-Trickle: 1\r\nX-Trickle: 2\r\n")
    assert b"\r\n\r\n" not in raw
    assert stored(server) == 0


def test_an_endless_header_has_no_line_end(server: MockServer) -> None:
    server.script({"endless_header": 300_000})
    line = read_all(connect(server)).partition(b"\r\n")[2]
    assert line == b"X-Endless: " + b"a" * 300_000
    assert stored(server) == 0


def test_a_reset_comes_before_the_body_is_read(server: MockServer) -> None:
    server.script({"reset": True})
    with pytest.raises(ConnectionResetError):
        read_all(connect(server))
    assert server.requests()[0]["body_bytes"] == 0
    assert stored(server) == 0


def test_a_reset_after_reading_loses_only_the_answer_if_stored(server: MockServer) -> None:
    server.script({"read_then_reset": True}, {"read_then_reset": True, "store": True})
    for points in (0, 1):
        with pytest.raises(ConnectionResetError):
            read_all(connect(server))
        assert stored(server) == points


def test_a_request_is_cut_in_its_body(server: MockServer) -> None:
    server.script({"cut_request_after": 100})
    body = b'{"points":[],"sdk":"' + b"x" * 4_000_000 + b'"}'
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        read_all(connect(server, body=body))
    assert "reset in the request's body" in server.requests()[0]["verdict"]


@pytest.mark.parametrize("action", [{"status": 503}, {"cut_after": 10}, {"count": 0}])
def test_a_stored_batch_can_have_its_answer_spoilt(
    server: MockServer, action: dict[str, Any]
) -> None:
    server.script({**action, "store": True})
    read_all(connect(server, "1.0"))
    assert stored(server) == 1


@pytest.mark.parametrize("action", [{"count": 5}, {"status": 201}, {"body": "oops"}])
def test_what_is_to_be_stored_and_is_refused_gets_its_refusal(
    server: MockServer, action: dict[str, Any]
) -> None:
    server.script({**action, "store": True})
    answer = post(server, {"points": [{}]})
    assert answer.status_code == 400
    assert "points[0].metric is missing" in answer.json()["error"]


def test_a_true_success_can_go_unstored(server: MockServer) -> None:
    server.script({"store": False})
    assert post(server).json() == SUCCESS
    assert stored(server) == 0


def test_faults_are_delivered_over_tls_too() -> None:
    with MockServer(tls=True) as server:
        server.script({"cut_after": 0}, {"reset": True}, {"status": 503})
        url, ca = f"{server.tls_url}/ingest", str(server.ca_pem_path)
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                requests.post(url, b"{}", verify=ca, timeout=TIMEOUT_S)
        assert requests.post(url, b"{}", verify=ca, timeout=TIMEOUT_S).status_code == 503


# Which requests a fault meets


def test_faults_come_in_order_and_are_used_up(server: MockServer) -> None:
    server.script({"status": 503, "times": 2}, {"status": 500}, {})
    statuses = [post(server).status_code for _ in range(5)]
    assert statuses == [503, 503, 500, 200, 200]
    assert server.faults() == []


def test_a_fault_for_ever_ends_when_it_is_cleared(server: MockServer) -> None:
    server.script({"status": 503, "times": -1})
    assert [post(server).status_code for _ in range(3)] == [503] * 3
    server.clear_faults()
    assert post(server).status_code == 200


def test_a_fault_waits_for_its_method_and_path(server: MockServer) -> None:
    server.script({"status": 503, "path": "/api/sessions", "method": "PATCH"})
    assert post(server).status_code == 200
    url = server.url + "/api/sessions/a"
    assert requests.get(url, headers=KEY, timeout=TIMEOUT_S).status_code == 405
    assert requests.patch(url, json={}, headers=KEY, timeout=TIMEOUT_S).status_code == 503


def test_faults_leave_the_admin_paths_and_the_page_alone(server: MockServer) -> None:
    server.script({"status": 503, "times": -1})
    assert requests.get(server.url + "/admin/counts", timeout=TIMEOUT_S).status_code == 200
    page = requests.get(server.url, headers={"Accept": "text/html"}, timeout=TIMEOUT_S)
    assert page.status_code == 200


def test_a_faulty_answer_leaves_the_connection_usable(server: MockServer) -> None:
    server.script({"status": 503}, {"chunked": True})
    with requests.Session() as session:
        for _ in range(3):
            session.post(server.url + "/ingest", b"{}", headers=KEY, timeout=TIMEOUT_S)
    assert len({request["connection"] for request in server.requests()}) == 1


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("503", "an action must be an object"),
        ({"stats": 503}, "unknown field 'stats'; known: blanks, body"),
        ({"status": 99}, "status must be a status from 200 to 599"),
        ({"status": "503"}, "status must be"),
        ({"status": True}, "status must be"),
        ({"times": 0}, "times must be -1"),
        ({"path": "ingest"}, "path must be a path"),
        ({"method": "post"}, "method must be a method in capitals"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers must be"),
        ({"headers": {"": "a"}}, "headers must be"),
        ({"retry_after": -1}, "retry_after must be"),
        ({"retry_after": 1.5}, "retry_after must be"),
        ({"stall": "later"}, "stall must be 'before_headers' or 'in_body'"),
        ({"delay_ms": -1}, "delay_ms must be"),
        ({"store": 1}, "store must be true or false"),
        ({"redirect": "a\nb"}, "redirect must be"),
        ({"chunked": 0}, "chunked must be"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(
    server: MockServer, action: Any, message: str
) -> None:
    with pytest.raises(FaultError) as caught:
        server.script(action)
    assert message in str(caught.value)
    answer = admin(server, "POST", "/admin/faults", json=[{"status": 503}, action])
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert server.faults() == []


def test_every_documented_fault_is_one() -> None:
    text = (REPOSITORY / "docs" / "mock-server.md").read_text()
    faults = text.partition("## Faults")[2].partition("## The admin paths")[0]
    examples = re.findall(r"`(\{.+?\})`", faults) + re.findall(r"/admin/faults -d '(.+)'", faults)
    named = set()
    for example in examples:
        document = json.loads(example)
        for action in document if isinstance(document, list) else [document]:
            named |= Action.parse(action).to_json().keys()
    assert len(examples) > 20
    undocumented = {f.name for f in dataclasses.fields(Action)} - named
    assert all(f"`{name}`" in faults for name in undocumented), undocumented
