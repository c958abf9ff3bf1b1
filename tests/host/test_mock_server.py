"""The mock server over real sockets: paths, keys, limits, profiles, TLS, storage, the command."""

import dataclasses
import gzip
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tools.mock_server import MockServer
from tools.mock_server.certs import Authority
from tools.mock_server.contract import PROFILES

ROOT = Path(__file__).parents[2]
KEY = {"x-api-key": "plx_test"}
TIMEOUT_S = 10


@pytest.fixture(scope="module")
def documented() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture(scope="module")
def behind_gateway() -> Iterator[MockServer]:
    with MockServer(profile="gateway", rate_limit=0) as server:
        yield server


@pytest.fixture
def server(documented: MockServer) -> MockServer:
    documented.reset()
    return documented


@pytest.fixture
def gateway(behind_gateway: MockServer) -> MockServer:
    behind_gateway.reset()
    return behind_gateway


def batch(*values: Any, **top: Any) -> dict[str, Any]:
    points = [
        {"metric": "t", "value": value, "timestamp": 1_699_900_000_000 + index}
        for index, value in enumerate(values)
    ]
    return {"source_id": "s1", "points": points, **top}


def post(server: MockServer, document: Any, path: str = "/api/ingest", **more: Any) -> Any:
    more.setdefault("headers", KEY)
    return requests.post(server.url + path, json=document, timeout=TIMEOUT_S, **more)


def exchange(server: MockServer, raw: bytes) -> bytes:
    """Send raw bytes, return all that comes back until the server closes."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT_S) as connection:
        connection.sendall(raw)
        return b"".join(iter(lambda: connection.recv(65536), b""))


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

SESSION = {"session_id": "test-001", "name": "Run", "source_id": "s1", "status": "active"}


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


# The gateway's ways


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
        assert server.requests()[-1]["verdict"] == "0 points stored; 1 over the rate limit"


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


# TLS


def test_https_is_verified_with_the_servers_own_authority(tmp_path: Path) -> None:
    with MockServer(tls=True) as server:
        assert server.tls_url is not None
        answer = requests.post(
            server.tls_url + "/api/ingest", json=batch(1), headers=KEY, timeout=TIMEOUT_S,
            verify=str(server.ca_pem_path),
        )  # fmt: skip
        assert answer.status_code == 200
        context = ssl.create_default_context(cadata=server.ca_der)
        port = urlsplit(server.tls_url).port
        for name in ("localhost", "127.0.0.1"):
            with (
                socket.create_connection((name, port), TIMEOUT_S) as raw,
                context.wrap_socket(raw, server_hostname=name) as secure,
            ):
                assert secure.version() in ("TLSv1.2", "TLSv1.3")


@pytest.fixture(scope="module")
def secure() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("self_signed", "self-signed certificate"),
        ("wrong_host", "Hostname mismatch"),
        ("expired", "certificate has expired"),
        ("not_yet_valid", "not yet valid"),
        ("other_ca", "unable to get local issuer"),
    ],
)
def test_a_faulty_certificate_is_refused_for_its_fault(
    secure: MockServer, kind: str, reason: str
) -> None:
    url = secure.listen_tls(kind)
    with pytest.raises(requests.exceptions.SSLError, match=reason):
        requests.get(url, verify=str(secure.ca_pem_path), timeout=TIMEOUT_S)
    # The certificate alone is at fault: without verification the same port answers.
    requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
    assert requests.get(url, verify=False, timeout=TIMEOUT_S).status_code == 200


def test_an_unknown_kind_of_certificate_is_an_error(secure: MockServer) -> None:
    with pytest.raises(ValueError, match="kind must be one of good"):
        secure.listen_tls("odd")


def show_certificate(url: str, server_hostname: str, ca: bytes) -> None:
    """Make a verified TLS connection, under a name that is not looked up."""
    context = ssl.create_default_context(cadata=ca)
    port = urlsplit(url).port
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as raw,
        context.wrap_socket(raw, server_hostname=server_hostname),
    ):
        pass


def test_a_certificate_is_for_the_names_given_besides_localhost() -> None:
    with MockServer(tls=True, names=("Mock.example", "192.168.1.20", "fd00::20")) as server:
        assert server.tls_url is not None
        for name in ("localhost", "127.0.0.1", "mock.example", "192.168.1.20", "fd00::20"):
            show_certificate(server.tls_url, name, server.ca_der)
        for name in ("other.example", "192.168.1.21"):
            with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
                show_certificate(server.tls_url, name, server.ca_der)


@pytest.mark.parametrize(
    "name", ["", "192.168.1.300", "192.168.1.20:8443", "https://mock.example", "a..b", "-a", "a b"]
)
def test_a_name_that_no_certificate_can_have_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name for a certificate"):
        Authority(tmp_path / "ca", (name,))
    assert not (tmp_path / "ca").exists()


def test_an_authority_is_kept_in_its_directory(tmp_path: Path) -> None:
    first = Authority(tmp_path).ca_der
    assert Authority(tmp_path).ca_der == first
    assert (tmp_path / "ca.der").read_bytes() == first
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0


# Storage and lifetime


def test_a_database_file_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    with MockServer(db=path) as server:
        post(server, batch(1, 2))
        post(server, SESSION, "/api/sessions")
    with MockServer(db=path) as server:
        post(server, batch(2))
        assert [point["value"] for point in server.points()] == [1, 2, 2]
        assert [request["id"] for request in server.requests()] == [1, 2, 3]
        assert server.sessions()[0]["session_id"] == "test-001"


def test_points_are_filtered_by_metric_and_source(server: MockServer) -> None:
    post(server, batch(1))
    post(server, batch(2, source_id="s2"))
    assert [point["value"] for point in server.points(source_id="s2")] == [2]
    assert len(server.points(metric="t")) == 2
    assert server.points(metric="other") == []


def test_reset_forgets_everything_and_ids_go_on(server: MockServer) -> None:
    post(server, batch(1))
    post(server, SESSION, "/api/sessions")
    server.script({"status": 503})
    last = server.points()[0]["id"]
    server.reset()
    assert (server.points(), server.requests(), server.sessions(), server.faults()) == ([],) * 4
    post(server, batch(1))
    assert server.points()[0]["id"] > last


def test_a_server_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        MockServer().points()


def test_an_unknown_profile_is_an_error() -> None:
    with pytest.raises(ValueError, match="profile must be one of documented, gateway"):
        MockServer(profile="other").start()


def test_a_port_that_is_taken_is_an_error_that_names_it(server: MockServer) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    with pytest.raises(OSError, match=f"port {port}"):
        MockServer(port=port).start()


def test_waiting_for_what_does_not_happen_tells_what_did(server: MockServer) -> None:
    post(server, batch(None))
    with pytest.raises(TimeoutError, match=r"points\[0\].value must not be null"):
        server.wait_until(lambda s: s.counts()["points"], timeout_s=0)


# The command


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "tools", "mock-server", "--port", "0", "--tls-port", "0",
        "--profile", "gateway", "--api-key", "plx_a", "--certs", str(tmp_path),
        "--db", str(tmp_path / "x.db"),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = ""
        while "Profile:" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        ingest = re.search(r"http://\S+/ingest", printed)
        secure = re.search(r"https://\S+/ingest", printed)
        page = re.search(r"Page: +(\S+)", printed)
        assert ingest and secure and page
        assert f"{tmp_path}/ca.pem" in printed
        key = {"x-api-key": "plx_a"}
        ca = str(tmp_path / "ca.pem")
        for url in (ingest[0], secure[0]):
            answer = requests.post(url, json=batch(1), headers=key, verify=ca, timeout=TIMEOUT_S)
            assert answer.json()["source_id"] == "s1"
        html = requests.get(page[1], headers={"Accept": "text/html"}, timeout=TIMEOUT_S)
        assert "<title>Plexus mock server</title>" in html.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / "x.db").exists()


def test_the_command_tells_how_to_give_a_board_its_authority(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "tools", "mock-server", "--port", "0", "--tls-port", "0",
        "--name", "192.168.1.20", "--name", "mock.example", "--certs", str(tmp_path),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = ""
        while "Profile:" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
    finally:
        process.kill()
        process.communicate()
    told = re.search(r"provision --ca (\S+) --endpoint (https://192\.168\.1\.20:\d+/\S+)", printed)
    assert told
    assert Path(told[1]).read_bytes() == Authority(tmp_path).ca_der
    assert f"https://mock.example:{urlsplit(told[2]).port}/api/ingest" in printed
    assert "add --host 0.0.0.0" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--name", "a:1", "--tls-port", "0"), "'a:1'"), (("--name", "a"), "add --tls-port")],
)
def test_the_command_refuses_a_name_that_is_no_use(arguments: tuple[str, ...], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "mock-server", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_which_port_is_taken(server: MockServer) -> None:
    port = str(urlsplit(server.url).port)
    done = subprocess.run(
        [sys.executable, "-m", "tools", "mock-server", "--port", port],
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


# A real client

CLIENT = """
import sys
from plexus import Plexus
client = Plexus(source_id="py-001")
client.send("temperature", 21.5, tags={"location": "lab"})
client.send_batch([("state", "idle"), ("imu", {"x": 1.5}), ("on", True), ("wave", [1, 2.5])])
client.send_batch([(f"m{n}", n) for n in range(200)])
"""


@pytest.mark.parametrize("profile", ["documented", "gateway"])
def test_plexus_python_sends_to_it(tmp_path: Path, profile: str) -> None:
    # Its package is called plexus as well, so it is installed apart, where only this test looks.
    library = Path(sys.prefix) / "plexus-python"
    assert library.is_dir(), (
        f"missing: pip install --target {library} --no-deps plexus-python==0.1.0 "
        "click==8.5.1 websockets==17.4"
    )
    with MockServer(profile=profile) as server:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(library),
            "PLEXUS_API_KEY": "plx_test", "PLEXUS_ENDPOINT": server.url,
            "PLEXUS_GATEWAY_URL": server.url, "PLEXUS_WS_URL": server.url,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", CLIENT],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sent = {point["metric"]: point["value"] for point in server.points()}
        encodings = [r["headers"].get("Content-Encoding") for r in server.requests()]
    assert sent["imu"] == {"x": 1.5}
    assert len(sent) == 205
    assert encodings == [None, None, "gzip"]
