"""Each example runs under real MicroPython, as a board would run it, and its readings arrive."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.server import ServerView
from tools import build
from tools.artifacts import micropython
from tools.mock_server import MockServer
from tools.time_server import HOST, TimeServer

EXAMPLES = build.REPOSITORY / "examples"
BOARD = build.REPOSITORY / "boards" / "simulated.json"
MODELS = build.REPOSITORY / "tests"  # `import models` finds them there
DEADLINE_S = 60

# What a board has and the Unix port lacks. A timer's callback runs in the main thread, between
# two bytecodes, as on the ESP32.
NETWORK = """
STA_IF = 0

class WLAN:
    def __init__(self, interface):
        self.is_active = False

    def active(self, is_active):
        self.is_active = is_active

    def connect(self, ssid, password):
        assert self.is_active and (ssid, password) == ("my-wifi", "its-password")

    def isconnected(self):
        return self.is_active

    def status(self, what):
        assert what == "rssi"
        return -61
"""
MACHINE = """
import _thread
import micropython
import time

class Timer:
    PERIODIC = 1

    def __init__(self, id):
        pass

    def init(self, period, mode, callback):
        def run():
            while True:
                time.sleep_ms(period)
                try:
                    micropython.schedule(callback, self)
                except RuntimeError:
                    pass  # the queue is full
        _thread.start_new_thread(run, ())
"""

# A board with the sensors of boards/simulated.json.
WORLD = """
from models import world

world.build()
from models.machine import *
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def time_server() -> Iterator[TimeServer]:
    with TimeServer(chrony=False) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, time_server: TimeServer) -> Iterator[Start]:
    """Run an example with these settings, until the test is over."""
    processes = []

    def start_example(
        name: str, plexus: dict[str, object], machine: str = MACHINE, **more: object
    ) -> object:
        settings = {
            "SSID": "my-wifi",
            "PASSWORD": "its-password",
            "PLEXUS": {
                "api_key": "plx_test",
                "source_id": "example-1",
                "flush_interval_ms": 100,
                "ntp_hosts": [HOST],
                "ntp_port": time_server.port,
                **plexus,
            },
            **more,
        }
        lines = [f"{key} = {value!r}\n" for key, value in settings.items()]
        (tmp_path / "settings.py").write_text("".join(lines))
        (tmp_path / "network.py").write_text(NETWORK)
        (tmp_path / "machine.py").write_text(machine)
        process = subprocess.Popen(
            micropython.command(name),
            cwd=tmp_path,
            env=micropython.environment(tmp_path, build.LIBRARY, EXAMPLES, MODELS),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield start_example  # type: ignore[misc]
    for process in processes:
        process.kill()
        print(process.communicate()[0])


def await_points(
    process: "subprocess.Popen[str]", mock: MockServer, metric: str, count: int
) -> list[dict]:
    """Wait for so many readings of a metric; at once the end of it if the program ends."""
    mock.wait_until(
        lambda server: len(server.points(metric)) >= count or process.poll() is not None,
        DEADLINE_S,
    )
    points = mock.points(metric)
    assert len(points) >= count, f"the program ended with {process.returncode}"
    return points


def ingest(server: ServerView) -> dict[str, object]:
    return {"endpoint": server.device["ingest"]}


def test_every_example_has_its_test() -> None:
    here = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.stem}"' in here or path.stem == "settings", path


def test_settings_are_edited_not_written(start: Start) -> None:
    # What the shipped file has is what the tests' settings stand in for.
    shipped: dict[str, object] = {}
    exec((EXAMPLES / "settings.py").read_text(), shipped)
    assert {"SSID", "PASSWORD", "PLEXUS", "GATEWAY", "CA_FILE"} <= shipped.keys()


def test_basic_sends_over_wifi(start: Start, server: ServerView) -> None:
    process = start("basic", ingest(server))
    points = await_points(process, server.mock, "wifi.rssi", 2)
    assert points[0]["value"] == -61
    heap = await_points(process, server.mock, "heap.free", 2)
    assert heap[0]["timestamp_ms"] == points[0]["timestamp_ms"]


def test_session_is_complete_with_its_readings(start: Start, server: ServerView) -> None:
    process = start("session", ingest(server))
    assert process.wait(DEADLINE_S) == 0
    (session,) = server.mock.sessions()
    assert (session["name"], session["status"]) == ("Motor test run", "completed")
    points = server.mock.points("motor.rpm")
    assert [point["value"] for point in points] == [600 + 40 * step for step in range(30)]
    assert {point["session_id"] for point in points} == {session["session_id"]}
    assert points[0]["tags"]["motor"] == "left"


def test_own_gateway_is_verified_by_its_own_authority(start: Start, tmp_path: Path) -> None:
    with MockServer(profile="gateway", tls=True) as mock:
        (tmp_path / "ca.der").write_bytes(mock.ca_der)
        process = start("own_gateway", {}, GATEWAY=f"{mock.tls_url}/ingest", CA_FILE="ca.der")
        await_points(process, mock, "heap.free", 1)


def test_asyncio_tasks_sample_while_another_sends(start: Start, server: ServerView) -> None:
    process = start("asyncio_sampling", ingest(server))
    await_points(process, server.mock, "uptime.ms", 6)
    await_points(process, server.mock, "heap.free", 2)


def test_timer_callback_loses_no_count(start: Start, server: ServerView) -> None:
    process = start("timer_callback", ingest(server))
    points = await_points(process, server.mock, "count", 40)
    assert [point["value"] for point in points[:40]] == list(range(1, 41))


def test_sensors_of_the_board_are_read(start: Start, server: ServerView) -> None:
    # The simulated board's sensors, found as the example finds them.
    process = start("sensors", ingest(server), BOARD=str(BOARD), machine=WORLD)
    await_points(process, server.mock, "imu.acceleration", 10)
    await_points(process, server.mock, "board.heap_free", 1)
