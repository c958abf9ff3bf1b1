"""The mock server's storage and its lifetime, its command, and a real client."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.fixtures.patience import patience_s
from tests.fixtures.posts import SESSION, TIMEOUT_S, batch, post
from tools.build import REPOSITORY
from tools.mock_server import MockServer
from tools.mock_server.certs import Authority
from tools.mock_server.service import describe

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


def test_a_database_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "readings.db"
    with MockServer(db=path) as server:
        post(server, batch(1))
    with closing(sqlite3.connect(path)) as earlier, earlier:
        for column in ("via", "class", "metadata"):
            earlier.execute(f"ALTER TABLE points DROP COLUMN {column}")
        earlier.execute("DROP TABLE sources")
    with MockServer(db=path) as server:
        server.limit(devices=1)
        post(server, batch(2))
        post(server, batch(3, source_id="another"))
        found = [(point["value"], point["via"]) for point in server.points()]
    assert found == [(1, None), (2, "http")]


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
    with pytest.raises(ValueError, match="profile must be one of documented, gateway, platform"):
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
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
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
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
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


def test_the_command_refuses_a_name_that_is_no_use() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "mock-server", "--name", "a:1"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=patience_s(30),
    )  # fmt: skip
    assert done.returncode == 2
    assert "'a:1'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_which_port_is_taken(server: MockServer) -> None:
    port = str(urlsplit(server.url).port)
    done = subprocess.run(
        [sys.executable, "-m", "tools", "mock-server", "--port", port],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=patience_s(30),
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
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=patience_s(60),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sent = {point["metric"]: point["value"] for point in server.points()}
        encodings = [r["headers"].get("Content-Encoding") for r in server.requests()]
    assert sent["imu"] == {"x": 1.5}
    assert len(sent) == 205
    assert encodings == [None, None, "gzip"]


def test_the_start_is_described_as_it_is_printed(server: MockServer) -> None:
    def labels(text: str) -> list[str]:
        return [line.strip().split(":")[0] for line in text.strip().splitlines()]

    written = (REPOSITORY / "docs" / "mock-server.md").read_text()
    written = written.split("python -m tools mock-server\n\n", 1)[1].split("\n\n", 2)[0]
    with MockServer() as plain:
        printed = plain._call(describe)
    assert labels(written) == labels(printed)
