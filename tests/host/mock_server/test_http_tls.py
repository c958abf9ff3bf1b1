"""The mock server over TLS: its authority, and certificates with a fault."""

import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.fixtures.posts import KEY, TIMEOUT_S, batch
from tools.mock_server import MockServer
from tools.mock_server.certs import Authority


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


def test_a_client_that_resets_its_request_over_tls_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with MockServer(tls=True) as server:
        context = ssl.create_default_context(cafile=str(server.ca_pem_path))
        parts = urlsplit(server.tls_url)
        raw = socket.create_connection(("localhost", parts.port), TIMEOUT_S)
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            connection.sendall(b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            server.wait_until(lambda s: s.requests())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.wait_until(lambda s: "body ended early" in s.requests()[0]["verdict"])
        assert requests.post(f"{server.tls_url}/ingest", verify=str(server.ca_pem_path),
                             timeout=TIMEOUT_S).status_code == 401  # fmt: skip
    assert "Error handling request" not in caplog.text
