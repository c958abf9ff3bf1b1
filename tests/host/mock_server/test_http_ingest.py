"""The mock server's ingest and session paths: keys, limits, and what is not in the contract."""

import gzip
import json

import pytest
import requests

from tests.fixtures.posts import KEY, SESSION, TIMEOUT_S, batch, exchange, post
from tools.mock_server import MockServer

# Ingest


@pytest.mark.parametrize("path", ["/api/ingest", "/ingest"])
def test_a_batch_is_answered_as_documented_and_stored(server: MockServer, path: str) -> None:
    answer = post(server, batch(72.5, "idle", {"x": 1}), path)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "count": 3, "persisted": True, "persistedCount": 3}
    assert [point["value"] for point in server.points()] == [72.5, "idle", {"x": 1}]


def test_a_stored_point_keeps_everything_it_came_with(server: MockServer) -> None:
    sent = {
        "metric": "t", "value": 1.5, "timestamp": 1699900000.123, "tags": {"unit": "C"},
        "session_id": "run", "source_id": "own",
    }  # fmt: skip
    post(server, {"points": [sent]})
    (point,) = server.points()
    (request,) = server.requests()
    assert {name: point[name] for name in sent} == sent
    assert point["timestamp_ms"] == 1_699_900_000_123
    assert point["request_id"] == request["id"]
    assert point["received_ms"] == request["received_ms"]


def test_a_refused_batch_names_the_point_and_stores_nothing(server: MockServer) -> None:
    answer = post(server, batch(1, 2, 3, None))
    assert answer.status_code == 400
    assert answer.json() == {"error": "points[3].value must not be null"}
    assert server.points() == []


def test_a_point_delivered_twice_is_kept_twice_and_counted(server: MockServer) -> None:
    post(server, batch(1, 2))
    post(server, batch(1, 2, 3))
    counts = server.counts()
    assert (counts["points"], counts["distinct"], counts["duplicates"]) == (5, 3, 2)
    assert [point["duplicate"] for point in server.points()] == [False, False, True, True, False]


def test_a_gzip_body_is_accepted(server: MockServer) -> None:
    body = gzip.compress(json.dumps(batch(1, 2)).encode())
    headers = {**KEY, "Content-Encoding": "gzip"}
    url = server.url + "/api/ingest"
    assert requests.post(url, body, headers=headers, timeout=TIMEOUT_S).json()["count"] == 2
    (request,) = server.requests(bodies=True)
    assert request["body_bytes"] == len(body)
    assert json.loads(request["body"]) == batch(1, 2)


def test_ten_thousand_points_are_accepted_and_one_more_is_not(server: MockServer) -> None:
    assert post(server, batch(*[1] * 10_000)).json()["count"] == 10_000
    assert post(server, batch(*[1] * 10_001)).status_code == 400


def padded(size: int) -> bytes:
    body = json.dumps(batch(1)).encode()
    return body + b" " * (size - len(body))


def test_a_body_at_the_documented_limit_is_accepted(server: MockServer) -> None:
    url = server.url + "/api/ingest"
    ok = requests.post(url, padded(5_000_000), headers=KEY, timeout=TIMEOUT_S)
    large = requests.post(url, padded(5_000_001), headers=KEY, timeout=TIMEOUT_S)
    assert (ok.status_code, large.status_code) == (200, 413)
    assert "split the batch" in large.json()["error"]


def test_the_gateway_takes_bodies_of_five_mebibytes(gateway: MockServer) -> None:
    url, limit = gateway.url + "/ingest", 5 * 1024 * 1024
    ok = requests.post(url, padded(limit), headers=KEY, timeout=TIMEOUT_S)
    large = requests.post(url, padded(limit + 1), headers=KEY, timeout=TIMEOUT_S)
    assert (ok.status_code, large.status_code) == (200, 413)


def test_a_chunked_body_over_the_limit_is_refused(server: MockServer) -> None:
    pieces = (b" " * 1_000_000 for _ in range(6))
    url = server.url + "/api/ingest"
    assert requests.post(url, pieces, headers=KEY, timeout=TIMEOUT_S).status_code == 413


def test_a_gzip_body_that_unpacks_over_the_limit_is_refused(server: MockServer) -> None:
    body = gzip.compress(padded(50_000_000))
    headers = {**KEY, "Content-Encoding": "gzip"}
    answer = requests.post(server.url + "/ingest", body, headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 413


@pytest.mark.parametrize("profile", ["server", "gateway"])
def test_a_chunked_body_under_http_1_0_is_refused(
    profile: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(profile)
    body = json.dumps(batch(1)).encode()
    raw = b"POST /ingest HTTP/1.0\r\nHost: x\r\nx-api-key: plx_test\r\n"
    raw += b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    answer = exchange(server, raw)
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"send Content-Length" in answer
    assert server.points() == []


def test_a_chunked_body_under_http_1_1_is_accepted(server: MockServer) -> None:
    body = json.dumps(batch(1)).encode()
    url = server.url + "/api/ingest"
    answer = requests.post(url, iter([body[:9], body[9:]]), headers=KEY, timeout=TIMEOUT_S)
    assert answer.json()["count"] == 1


# Keys


@pytest.mark.parametrize(
    ("headers", "status", "state"),
    [
        ({}, 401, "missing"),
        ({"x-api-key": ""}, 401, "refused"),
        ({"x-api-key": "plx_"}, 401, "refused"),
        ({"x-api-key": "sk_123"}, 401, "refused"),
        ({"Authorization": "Bearer plx_test"}, 401, "missing"),
        ({"x-api-key": "plx_readonly"}, 403, "refused"),
        ({"x-api-key": "plx_unpaid"}, 402, "refused"),
        ({"X-API-KEY": "plx_x"}, 200, "accepted"),
    ],
)
def test_the_key_decides(
    server: MockServer, headers: dict[str, str], status: int, state: str
) -> None:
    assert post(server, batch(1), headers=headers).status_code == status
    assert server.requests()[0]["key"] == state


def test_the_key_is_not_kept(server: MockServer) -> None:
    post(server, batch(1), headers={"x-api-key": "plx_secret", "Authorization": "plx_secret"})
    assert "plx_secret" not in json.dumps(server.requests(bodies=True))


def test_only_the_given_keys_are_accepted() -> None:
    with MockServer(api_keys=["plx_a", "plx_b"]) as server:
        statuses = [
            post(server, batch(1), headers={"x-api-key": key}).status_code
            for key in ("plx_a", "plx_b", "plx_c", "plx_readonly")
        ]
    assert statuses == [200, 200, 401, 401]


def test_verify_key_names_the_organisation(server: MockServer) -> None:
    url = server.url + "/api/auth/verify-key"
    assert requests.get(url, headers=KEY, timeout=TIMEOUT_S).json() == {"org_id": "org_mock"}
    assert requests.get(url, timeout=TIMEOUT_S).status_code == 401


# Sessions


@pytest.mark.parametrize("base", ["/api/sessions", "/sessions"])
def test_a_session_is_created_and_completed(server: MockServer, base: str) -> None:
    assert post(server, SESSION, base).status_code == 200
    changes = {"status": "completed", "ended_at": "2024-01-15T10:30:00Z"}
    url = f"{server.url}{base}/test-001"
    assert requests.patch(url, json=changes, headers=KEY, timeout=TIMEOUT_S).status_code == 200
    (session,) = server.sessions()
    assert session["name"] == "Run"
    assert (session["status"], session["ended_at"]) == ("completed", "2024-01-15T10:30:00Z")


def test_a_session_counts_its_points(server: MockServer) -> None:
    post(server, SESSION, "/api/sessions")
    document = batch(1, 2)
    document["points"][0]["session_id"] = "test-001"
    post(server, document)
    assert server.sessions()[0]["points"] == 1


def test_an_unknown_session_cannot_be_changed(server: MockServer) -> None:
    url = server.url + "/api/sessions/nobody"
    answer = requests.patch(url, json={"status": "completed"}, headers=KEY, timeout=TIMEOUT_S)
    assert answer.status_code == 404
    assert answer.json() == {"error": "no session 'nobody'"}


def test_a_session_id_in_the_path_is_decoded(server: MockServer) -> None:
    post(server, SESSION | {"session_id": "a/b é"}, "/api/sessions")
    url = server.url + "/api/sessions/a%2Fb%20%C3%A9"
    answer = requests.patch(url, json={"status": "completed"}, headers=KEY, timeout=TIMEOUT_S)
    assert answer.status_code == 200


def test_creating_a_session_twice_leaves_one(server: MockServer) -> None:
    assert post(server, SESSION, "/api/sessions").status_code == 200
    assert post(server, SESSION, "/api/sessions").status_code == 200
    assert len(server.sessions()) == 1


def test_a_bad_session_is_answered_400(server: MockServer) -> None:
    answer = post(server, SESSION | {"status": "on"}, "/api/sessions")
    assert answer.status_code == 400
    assert server.sessions() == []


# What is not in the contract


def test_an_unknown_path_is_json_404_as_documented(server: MockServer) -> None:
    answer = post(server, {}, "/api/nothing")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_a_wrong_method_is_json_405_as_documented(server: MockServer) -> None:
    answer = requests.get(server.url + "/api/ingest", headers=KEY, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/x", 404), ("GET", "/ingest", 405)]
)
def test_the_gateway_answers_404_and_405_in_plain_text(
    gateway: MockServer, method: str, path: str, status: int
) -> None:
    answer = requests.request(method, gateway.url + path, headers=KEY, timeout=TIMEOUT_S)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("profile", "kind"), [("server", b"application/json"), ("gateway", b"text/plain")]
)
def test_a_missing_host_is_refused(
    profile: str, kind: bytes, request: pytest.FixtureRequest
) -> None:
    raw = b"POST /ingest HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    answer = exchange(request.getfixturevalue(profile), raw)
    assert answer.split()[1] == b"400"
    assert b"'Host' header" in answer
    assert b"Content-Type: " + kind in answer


def test_what_is_not_http_is_refused_and_recorded(server: MockServer) -> None:
    assert exchange(server, b"\x16\x03\x01\x00\r\n\r\n").startswith(b"HTTP/1.0 400 ")
    assert server.requests()[0]["verdict"].startswith("refused: not valid HTTP")


def test_a_client_without_a_key_may_ask_for_the_date(server: MockServer) -> None:
    answer = requests.head(server.url + "/", timeout=TIMEOUT_S)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Date"].endswith(" GMT")
    assert server.requests()[0]["path"] == "/"


# Connections


def test_a_connection_is_kept_alive_and_has_one_id(server: MockServer) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.post(server.url + "/ingest", json=batch(1), headers=KEY, timeout=TIMEOUT_S)
    post(server, batch(1))
    used = [request["connection"] for request in server.requests()]
    assert used[0] == used[1] == used[2] != used[3]


def test_http_1_0_closes_after_the_answer(server: MockServer) -> None:
    body = json.dumps(batch(1)).encode()
    raw = b"POST /ingest HTTP/1.0\r\nHost: x\r\nx-api-key: plx_x\r\nContent-Length: %d\r\n\r\n%s"
    answer = exchange(server, raw % (len(body), body))
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert server.requests()[0]["http_version"] == "1.0"
