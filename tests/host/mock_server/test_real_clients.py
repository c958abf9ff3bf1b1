"""The platform's own Python clients, old and new, at every kind of mock server."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.patience import patience_s
from tools.mock_server import MockServer

# Its packages are called plexus as well, so they are installed apart, where only tests look.
OLD, NEW = "plexus-python", "plexus-python-0.16"
VALUES = """
client.send("temperature", 21.5, tags={"location": "lab"})
client.send_batch([("state", "idle"), ("imu", {"x": 1.5}), ("on", True), ("wave", [1, 2.5])])
"""
NUMBERS = 'client.send_batch([(f"m{n}", n) for n in range(200)])\n'


def program(server: MockServer, library: str, home: Path, text: str) -> list[str]:
    """A program that sends with a client of its own."""
    path = Path(sys.prefix) / library
    assert path.is_dir(), "missing: make setup"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(path),
        "PLEXUS_API_KEY": "plx_test", "PLEXUS_ENDPOINT": server.url,
        "PLEXUS_GATEWAY_URL": server.url, "PLEXUS_WS_URL": f"ws{server.url[4:]}/ws/device",
        "PLEXUS_GATEWAY_WS_URL": f"ws{server.url[4:]}/ws/device",
    }  # fmt: skip
    text = 'from plexus import Plexus\nclient = Plexus(source_id="py-001")\n' + text
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=environment, cwd=home, capture_output=True, text=True, timeout=patience_s(60),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(params=["server", "gateway", "platform"])
def any_server(request: pytest.FixtureRequest) -> MockServer:
    return request.getfixturevalue(request.param)


def stored(server: MockServer) -> dict[str, Any]:
    assert server.counts()["duplicates"] == 0
    return {point["metric"]: point["value"] for point in server.points()}


def test_the_old_client_sends_over_http(server: MockServer, tmp_path: Path) -> None:
    program(server, OLD, tmp_path, VALUES + NUMBERS)
    assert stored(server)["imu"] == {"x": 1.5}
    assert len(stored(server)) == 205
    encodings = [request["headers"].get("Content-Encoding") for request in server.requests()]
    assert encodings == [None, None, "gzip"]


@pytest.mark.parametrize("today", ["gateway", "platform"])
def test_the_old_clients_numbers_are_stored_today_and_the_rest_is_refused(
    today: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: MockServer = request.getfixturevalue(today)
    # It says of everything that it is a metric.
    text = "try:\n    client.send('state', 'idle')\nexcept Exception as error:\n    print(error)\n"
    said = " ".join(program(server, OLD, tmp_path, NUMBERS + text))
    assert "points[0].value must be a number, as its class is metric" in said
    assert len(stored(server)) == 200


# Without a socket, it sends over HTTP.
NO_SOCKET = """
import plexus.ws
plexus.ws.WebSocketTransport.start = lambda self: None
client._ws_auth_waited = True
"""


def test_the_new_client_sends_over_http(any_server: MockServer, tmp_path: Path) -> None:
    program(any_server, NEW, tmp_path, NO_SOCKET + VALUES + NUMBERS)
    assert {point["via"] for point in any_server.points()} == {"http"}
    assert len(stored(any_server)) == 205
    assert all(request["violations"] == [] for request in any_server.requests())


@pytest.mark.parametrize("today", ["gateway", "platform"])
def test_the_new_client_sends_over_the_socket(
    today: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: MockServer = request.getfixturevalue(today)
    program(server, NEW, tmp_path, VALUES + NUMBERS + "client.close()\n")
    server.wait_until(lambda s: s.counts()["points"] == 205)
    assert {point["via"] for point in server.points()} == {"socket"}
    assert len(stored(server)) == 205
    known = server.device("py-001")
    assert known["violations"] == []
    assert known["acks"] == (today == "platform")


def test_the_new_clients_telemetry_is_shown_by_the_documented_server(
    server: MockServer, tmp_path: Path
) -> None:
    # There, what comes over the socket is a live view, and none of it is stored.
    program(server, NEW, tmp_path, VALUES + NUMBERS + "client.close()\n")
    server.wait_until(lambda s: s.device("py-001")["points"] == 205)
    refused = [w for w in server.device("py-001")["violations"] if "INVALID" in w]
    assert refused == []


def test_the_new_client_is_told_what_was_dropped(platform: MockServer, tmp_path: Path) -> None:
    platform.limit(restricted=["py-001"])
    said = program(
        platform, NEW, tmp_path,
        NO_SOCKET + "try:\n    client.send('t', 1)\nexcept Exception as error:\n"
        "    print(type(error).__name__)\nprint(client.dropped_points)\n",
    )  # fmt: skip
    assert said == ["RateLimitedError", "1"]


def test_the_new_client_sends_again_what_was_not_acknowledged(
    platform: MockServer, tmp_path: Path
) -> None:
    platform.script({"socket": "REDIS_UNAVAILABLE"})
    program(
        platform, NEW, tmp_path,
        # Between two looks it may have been refused and sent again already.
        "client.send('t', 1)\nimport time\nuntil = time.monotonic() + 2\n"
        "while client.buffer_size() == 0 and time.monotonic() < until: time.sleep(0.01)\n"
        "client.send('t', 2)\nclient.close()\n",
    )  # fmt: skip
    assert sorted(point["value"] for point in platform.points()) == [1, 2]


def test_the_new_clients_runs_pass_or_fail(platform: MockServer, tmp_path: Path) -> None:
    criterion = {"metric": "t", "operator": "<", "value": 5}
    text = f"""
for value in (3, 7):
    with client.run("Run", pass_criteria=[{criterion}]) as run:
        client.send("t", value)
        client._ws.wait_for_acks(10)
"""
    program(platform, NEW, tmp_path, text)
    runs = platform.runs()
    assert [run["status"] for run in runs] == ["completed", "completed"]
    assert [run["test_result"]["passed"] for run in runs] == [True, False]
    assert [run["source_id"] for run in runs] == ["py-001", "py-001"]


COMMANDS = """
import threading
done = threading.Event()

@client.command("power_off", params={"outlet": {"type": "integer", "minimum": 1, "maximum": 8}})
def power_off(run, outlet):
    run.progress(100, "done")
    return {"outlet": outlet}

@client.command("stop")
def stop(run):
    done.set()

client.send("t", 1)
done.wait(60)
client.close()
"""


def test_the_new_clients_commands_run(platform: MockServer, tmp_path: Path) -> None:
    def ask() -> None:
        platform.wait_until(lambda s: any(d["connected"] for d in s.devices()), 30)
        for params, ttl_ms in (({"outlet": 3}, None), ({"outlet": 9}, None), ({"outlet": 3}, 0)):
            platform.command("py-001", "power_off", params, ttl_ms)
        platform.wait_until(lambda s: len(s.device("py-001")["open_commands"]) == 0, 30)
        platform.command("py-001", "stop")

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask)
        program(platform, NEW, tmp_path, COMMANDS)
        asked.result()
    good, bad, late, stop = platform.device("py-001")["command_runs"]
    assert good["state"] == "succeeded"
    assert good["statuses"][-1]["result"] == {"outlet": 3}
    assert [one["state"] for one in good["statuses"]] == [
        "acknowledged", "running", "progress", "succeeded"
    ]  # fmt: skip
    assert bad["statuses"][-1]["error_code"] == "bad_params"
    assert late["statuses"][-1]["error_code"] == "expired_on_arrival"
    assert stop["command"] == "stop"
    assert platform.device("py-001")["violations"] == []
