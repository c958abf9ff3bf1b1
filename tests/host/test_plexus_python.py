"""The platform's own Python agent, plexus-python, lives with the mock server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tools.mock_server import MockServer

SOURCE = "py-001"

# Its sensors are a hub's; its heartbeat is every 30 s, which here is every 50 ms.
AGENT = """
import itertools
import plexus.connector
from plexus.sensors.base import BaseSensor, SensorHub, SensorReading

class Fake(BaseSensor):
    name = "Fake"
    description = "counts"
    metrics = ["count", "other"]
    numbers = itertools.count()

    def read(self):
        number = next(self.numbers)
        return [SensorReading("count", number), SensorReading("other", -number)]

heartbeat = plexus.connector.PlexusConnector._heartbeat_loop
plexus.connector.PlexusConnector._heartbeat_loop = lambda self, ws: heartbeat(self, ws, 0.05)
hub = SensorHub()
hub.add(Fake(sample_rate=50))
plexus.connector.run_connector(sensor_hub=hub, source_id="py-001", on_status=print)
"""


@contextmanager
def plexus_python(server: MockServer, home: Path) -> Iterator[None]:
    """The agent, running until the end of the block."""
    # Its package is called plexus as well, so it is installed apart, where only this test looks.
    library = Path(sys.prefix) / "plexus-python"
    assert library.is_dir(), "missing: make setup"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(library),
        "PLEXUS_API_KEY": "plx_test", "PLEXUS_ENDPOINT": server.url,
        "PLEXUS_GATEWAY_URL": server.url, "PLEXUS_WS_URL": f"ws{server.url[4:]}/ws/device",
        "PLEXUS_ORG_ID": "org_mock",  # which a gateway alone does not tell
    }  # fmt: skip
    with (home / "output").open("wb") as output:
        agent = subprocess.Popen(
            [sys.executable, "-u", "-c", AGENT],
            env=environment, cwd=home, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait(server, lambda device: device["connected"])
            yield
        except TimeoutError as error:
            error.add_note((home / "output").read_text())
            raise
        finally:
            agent.kill()
            agent.wait()


def wait(server: MockServer, condition: Any) -> None:
    """Until it is so of the device."""
    server.wait_until(
        lambda s: any(condition(d) for d in s.devices() if d["source_id"] == SOURCE), 30
    )


@pytest.fixture(params=["documented", "gateway"])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with MockServer(request.param) as running:
        yield running


def telemetry(server: MockServer, since_id: int = 0) -> list[dict[str, Any]]:
    rows = server.messages(SOURCE, since_id)
    return [row["message"] for row in rows if row["message"]["type"] == "telemetry"]


def test_it_authenticates_registers_and_beats(server: MockServer, tmp_path: Path) -> None:
    with plexus_python(server, tmp_path):
        wait(server, lambda device: device["uptime_s"] is not None)
        server.wait_until(lambda s: {p["metric"] for p in s.points()} >= {"count", "other"})
        device = server.device(SOURCE)
    assert [(s["name"], s["sample_rate"]) for s in device["sensors"]] == [("Fake", 50)]
    assert device["path"] == "/ws/device"
    assert device["violations"] == []


def frames_while(server: MockServer, heartbeats: int) -> int:
    """How many frames come while the agent's heart beats so often."""

    def beats(s: MockServer) -> int:
        return sum(row["message"]["type"] == "heartbeat" for row in s.messages(SOURCE, last_id))

    # What was under way when the agent obeyed comes before its next heartbeat.
    for wanted in (1, heartbeats):
        last_id = server.messages(SOURCE)[-1]["id"]
        server.wait_until(lambda s, wanted=wanted: beats(s) >= wanted, 30)
    return len(telemetry(server, last_id))


def test_it_obeys_bare_commands(tmp_path: Path) -> None:
    def configure(rate_hz: float) -> None:
        config = {"sample_rate": rate_hz}
        server.command(SOURCE, "configure", {"sensor": "Fake", "config": config})
        server.wait_until(lambda _: count("Configured Fake") == len(configured))
        configured.append(rate_hz)

    def count(words: str) -> int:
        return (tmp_path / "output").read_text().count(words)

    configured = [50.0]
    with MockServer("documented") as server, plexus_python(server, tmp_path):
        params = {"metrics": [f"{SOURCE}:count"], "interval_ms": 20}
        stream = server.command(SOURCE, "start_stream", params)
        wait(server, lambda device: device["frames"] >= 5)
        points = [point for frame in telemetry(server) for point in frame["points"]]
        assert {point["metric"] for point in points} == {"count"}

        configure(0.01)
        assert frames_while(server, 3) == 0
        configure(50)
        seen = server.device(SOURCE)["frames"]
        wait(server, lambda device: device["frames"] >= seen + 5)

        server.command(SOURCE, "ping")
        server.wait_until(
            lambda s: any(row["message"]["type"] == "pong" for row in s.messages(SOURCE))
        )

        server.command(SOURCE, "stop_stream", {"id": stream})
        server.wait_until(lambda _: count("Stopped stream") == 1)
        assert frames_while(server, 3) == 0
        assert server.device(SOURCE)["violations"] == []


def test_it_knows_no_typed_commands(tmp_path: Path) -> None:
    # So they stay open, as the server shows; the connection lives on.
    with MockServer("gateway") as server, plexus_python(server, tmp_path):
        command_id = server.command(SOURCE, "ping")
        server.reset()
        wait(server, lambda device: len(server.messages(SOURCE)) >= 3)
        device = server.device(SOURCE)
        assert device["open_commands"] == [{"id": command_id, "command": "ping", "state": "sent"}]
        assert (device["connected"], device["frames"]) == (True, 0)
