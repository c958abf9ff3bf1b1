"""The mock server's admin paths, and outages."""

import contextlib
import json
import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.fixtures.posts import TIMEOUT_S, admin, connect, post, read_all
from tools.mock_server import MockServer


def test_faults_are_scripted_listed_and_cleared_over_http(server: MockServer) -> None:
    one = admin(server, "POST", "/admin/faults", json={"status": 503, "times": 2}).json()
    assert one == {"faults": [{"times": 2, "status": 503}]}
    two = admin(server, "POST", "/admin/faults", json=[{"cut_after": 0}, {"html": True}]).json()
    assert two["faults"][1:] == [{"times": 1, "cut_after": 0}, {"times": 1, "html": True}]
    assert admin(server, "GET", "/admin/faults").json() == two
    assert admin(server, "DELETE", "/admin/faults").json() == {"faults": []}
    assert post(server).status_code == 200


def test_points_are_read_in_pages_over_http(server: MockServer) -> None:
    for _ in range(3):
        post(server)
    ids = [point["id"] for point in server.points()]

    def page(query: str) -> list[int]:
        return [p["id"] for p in admin(server, "GET", "/admin/points" + query).json()["points"]]

    assert page("") == ids
    assert page("?limit=2") == ids[:2]
    assert page(f"?since_id={ids[0]}&limit=1") == ids[1:2]
    assert page("?newest=1&limit=2") == ids[1:]
    assert page("?metric=other") == []
    assert page("?source_id=s1&metric=t") == ids


def test_requests_are_read_over_http_with_their_bodies_if_wanted(server: MockServer) -> None:
    post(server)
    (request,) = admin(server, "GET", "/admin/requests").json()["requests"]
    assert "body" not in request
    assert (request["method"], request["path"]) == ("POST", "/api/ingest")
    assert (request["status"], request["points"], request["key"]) == (200, 1, "accepted")
    assert request["verdict"] == "1 point stored"
    (request,) = admin(server, "GET", "/admin/requests?bodies=1").json()["requests"]
    assert json.loads(request["body"])["source_id"] == "s1"


def test_counts_and_sessions_are_read_over_http(server: MockServer) -> None:
    post(server)
    post(server)
    assert admin(server, "GET", "/admin/counts").json() == server.counts()
    assert admin(server, "GET", "/admin/sessions").json() == {"sessions": []}


def test_everything_is_forgotten_over_http(server: MockServer) -> None:
    post(server)
    server.script({"status": 503})
    before = admin(server, "GET", "/admin/state").json()["generation"]
    assert admin(server, "POST", "/admin/reset").status_code == 200
    assert server.counts()["requests"] == 0
    assert admin(server, "GET", "/admin/state").json()["generation"] != before
    assert post(server).status_code == 200


def test_the_admin_paths_answer_http_1_0_with_a_length(server: MockServer) -> None:
    address = urlsplit(server.admin_url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT_S) as connection:
        connection.sendall(b"GET /admin/counts HTTP/1.0\r\n\r\n")
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert json.loads(body)["requests"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/admin/points?limit=x", None, 400),
        ("GET", "/admin/points?since_id=-1", None, 400),
        ("GET", "/admin/requests?limit=99999999999999999999", None, 400),
        ("POST", "/admin/faults", b"{", 400),
        ("POST", "/admin/faults", b"\xff", 400),
        ("POST", "/admin/outage", b'{"for_ms": -1}', 400),
        ("POST", "/admin/outage", b'{"for_ms": true}', 400),
        ("POST", "/admin/outage", b"[]", 400),
        ("GET", "/admin/nothing", None, 404),
        ("GET", "/static/../admin.py", None, 404),
    ],
)
def test_a_wrong_admin_request_is_answered_with_words(
    server: MockServer, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = admin(server, method, path, data=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_events_ring_when_something_arrives(server: MockServer) -> None:
    url = server.admin_url + "/admin/events"
    with requests.get(url, stream=True, timeout=TIMEOUT_S) as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        lines = events.iter_lines()
        assert [next(lines) for _ in range(3)] == [b"event: changed", b"data: {}", b""]
        post(server)
        assert next(lines) == b"event: changed"


# Outages


def test_an_outage_refuses_connections_until_it_is_over(server: MockServer) -> None:
    url = server.url
    server.outage()
    with pytest.raises(requests.ConnectionError):
        post(server)
    assert admin(server, "GET", "/admin/state").json()["outage"] is True
    server.restore()
    assert server.url == url
    assert post(server).status_code == 200


def test_an_outage_drops_the_connections_there_are(server: MockServer) -> None:
    server.script({"stall": "before_headers"})
    connection = connect(server)
    server.wait_until(lambda s: s.counts()["requests"])
    server.outage()
    with contextlib.suppress(ConnectionResetError):  # As good an end.
        assert read_all(connection) == b""


def test_an_outage_ends_by_itself(server: MockServer) -> None:
    assert admin(server, "POST", "/admin/outage", json={"for_ms": 300}).json()["outage"] is True

    def reachable(_server: MockServer) -> bool:
        try:
            return post(server).status_code == 200
        except requests.ConnectionError:
            return False

    server.wait_until(reachable)


def test_an_outage_is_ended_over_http(server: MockServer) -> None:
    admin(server, "POST", "/admin/outage")
    assert admin(server, "DELETE", "/admin/outage").json()["outage"] is False
    assert post(server).status_code == 200


def test_an_outage_takes_the_tls_ports_along() -> None:
    with MockServer(tls=True) as server:
        urls = [f"{server.tls_url}/", server.listen_tls("good")]
        server.outage()
        for url in urls:
            with pytest.raises(requests.ConnectionError, match="refused"):
                requests.get(url, timeout=TIMEOUT_S)
        server.restore()
        for url in urls:
            answer = requests.get(url, verify=str(server.ca_pem_path), timeout=TIMEOUT_S)
            assert answer.status_code == 200
