"""All at once on real MicroPython: streams, session, configure, a command, amid HTTP flushes."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.server import ServerView
from tools import build
from tools.artifacts import micropython
from tools.mock_server import MockServer

SOURCE = "dev-1"
DEVICE_TESTS = build.REPOSITORY / "tests" / "device"
SLOW_MS = 300
EIGHTH_MS = SLOW_MS // 8  # by so much a regular source may be early


class Device:
    """A device that runs; `summary()` waits for its end."""

    def __init__(self, view: ServerView, heap: str = "2M") -> None:
        self.mock: MockServer = view.mock
        self.process = subprocess.Popen(
            micropython.command(
                "agent_program", view.device["ingest"], view.device["ws"], "60", heap=heap
            ),
            env=micropython.environment(build.LIBRARY, DEVICE_TESTS, build.REPOSITORY),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.wait_for(lambda mock: any(d["connected"] for d in mock.devices()))

    def wait_for(self, condition: Any) -> None:
        self.mock.wait_until(condition, 30)

    def ask(self, name: str, /, **params: Any) -> str:
        return self.mock.command(SOURCE, name, params)

    def said(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        rows = [row["message"] for row in self.mock.messages(SOURCE) if row["from"] == "device"]
        return [row for row in rows if row["type"] == kind and row.items() >= fields.items()]

    def confirmed(self, command: str, kind: str) -> None:
        """Wait for the answer: a message of `kind`, or in the other form the command's result."""
        self.wait_for(
            lambda _: (
                self.said(kind) or self.said("command_result", command=command, event="result")
            )
        )

    def summary(self) -> dict[str, Any]:
        self.ask("execute", command="stop")
        output, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, output
        return json.loads(output.splitlines()[-1])


class Watch:
    """All telemetry points, taken from the server before it forgets them."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.since_id = 0
        self.points: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []

    def take(self) -> None:
        for row in self.device.mock.messages(SOURCE, self.since_id):
            self.since_id = row["id"]
            message = row["message"]
            if row["from"] == "device" and message["type"] == "telemetry":
                self.frames.append(message)
                self.points += message["points"]

    def until(self, condition: Any) -> None:
        def taken(_: MockServer) -> bool:
            self.take()
            return condition()

        self.device.mock.wait_until(taken, 30)

    def shown(self, metric: str) -> list[dict[str, Any]]:
        return [point for point in self.points if point["metric"] == metric]


@pytest.fixture
def device(server: ServerView) -> Iterator[Device]:
    made = Device(server)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def platform_device(platform: ServerView) -> Iterator[Device]:
    made = Device(platform)
    yield made
    made.process.kill()
    made.process.wait()


def test_everything_at_once_keeps_every_reading_once_and_shows_what_was_asked(
    device: Device,
) -> None:
    mock, watch = device.mock, Watch(device)
    device.ask("start_stream", id="all", metrics=["fast"])
    device.ask("start_stream", id="slow", metrics=["mean", "shown"], interval_ms=SLOW_MS)
    watch.until(lambda: len(watch.shown("fast")) > 100 and len(watch.shown("shown")) > 5)
    # A stream that stores nothing: "shown" is not kept.
    assert not mock.points("shown")
    session_from = len(watch.frames)
    device.ask("start_session", session_id="run-1", session_name="Run", metrics=["mean", "shown"])
    device.confirmed("start_session", "session_started")
    talk = device.ask("execute", command="talk lines=40")
    device.ask("configure", sensor="mean", config={"sample_rate": 25})
    device.ask("execute", command="talk lines=5")
    device.wait_for(lambda _: device.said("output", id=talk, event="exit"))
    in_session = len(watch.shown("shown"))
    watch.until(lambda: len(watch.shown("shown")) > in_session + 50)
    device.ask("stop_session", session_id="run-1")
    device.confirmed("stop_session", "session_stopped")
    watch.until(lambda: len(watch.frames) > session_from + 20)
    device.ask("stop_stream", id="*")
    time.sleep(0.3)
    watch.take()
    summary = device.summary()
    watch.take()
    check_kept(device, summary)
    check_session(device, watch)
    check_live(device, watch, summary)
    text = "".join(message.get("data", "") for message in device.said("output", id=talk))
    assert text == "".join(f"line {number}\n" for number in range(40))


def check_kept(device: Device, summary: dict[str, Any]) -> None:
    """Each reading of the kept sensors is stored once, and none of the other but the session's."""
    mock = device.mock
    counts = mock.counts()
    assert counts["duplicates"] == 0
    assert counts["distinct"] == counts["points"] == summary["confirmed"]
    assert (summary["dropped"], summary["pending"], summary["uploader"]) == (0, 0, "None")
    for metric in ("fast", "mean"):
        values = [point["value"] for point in mock.points(metric)]
        assert values == list(range(summary["counts"][metric])), metric


def check_session(device: Device, watch: Watch) -> None:
    """Whatever was stored while it ran carries its id, also the reading that nobody kept before."""
    mock = device.mock
    (session,) = mock.sessions()
    assert (session["session_id"], session["name"]) == ("run-1", "Run")
    assert session["status"] == "completed"
    shown = mock.points("shown")
    assert len(shown) > 30
    assert {point["tags"]["session_id"] for point in shown} == {"run-1"}
    fast = [bool(point["tags"]) for point in mock.points("fast")]
    began, ended = fast.index(True), len(fast) - fast[::-1].index(True)
    assert 0 < began < ended < len(fast)
    assert all(fast[began:ended])
    for frame in watch.frames:
        if "session_id" in frame:
            assert {p["tags"]["session_id"] for p in frame["points"]} == {"run-1"}


def check_live(device: Device, watch: Watch, summary: dict[str, Any]) -> None:
    """What was shown is what was kept, no faster than asked for."""
    mock = device.mock
    known = mock.device(SOURCE)
    assert (known["violations"], known["open_commands"]) == ([], [])
    assert (summary["errors"], summary["connects"], summary["live_dropped"]) == (0, 1, 0)
    assert summary["live_sent"] == known["points"] == len(watch.points)
    for metric in ("fast", "mean"):
        kept = {(point["value"], point["timestamp_ms"]) for point in mock.points(metric)}
        shown = [(point["value"], point["timestamp"]) for point in watch.shown(metric)]
        assert set(shown) <= kept
        assert max(Counter(shown).values()) == 1
    fast = [point["value"] for point in watch.shown("fast")]
    assert fast == list(range(fast[0], fast[0] + len(fast))), "a gap in what was shown"
    for metric in ("mean", "shown"):
        times = [point["timestamp"] for point in watch.shown(metric) if not point.get("tags")]
        # A turn is SLOW_MS after the turn before, however late the reading was that had that one.
        early = [times[0] + turn * SLOW_MS - at for turn, at in enumerate(times)]
        assert max(early) <= EIGHTH_MS, (metric, early)


def test_platform_stores_every_reading_once_whichever_way_it_goes(platform_device: Device) -> None:
    device = platform_device
    mock = device.mock
    talks = []
    for connection in range(1, 4):
        device.ask("start_stream", metrics=["fast", "shown"], store=True)
        count = 60 * connection
        device.wait_for(lambda mock, count=count: len(mock.points("shown")) >= count)
        talks.append(device.ask("talk", lines=20))
        if connection < 3:
            mock.disconnect(SOURCE, 1001)
            device.wait_for(lambda mock: not mock.device(SOURCE)["connected"])
            device.wait_for(lambda mock: mock.device(SOURCE)["connected"])
    device.wait_for(lambda mock: not mock.device(SOURCE)["open_commands"])
    device.ask("stop_stream", stream_id="*")
    time.sleep(0.3)
    summary = device.summary()
    known = mock.device(SOURCE)
    assert (known["violations"], known["open_commands"]) == ([], [])
    runs = {run["run_id"]: run for run in known["command_runs"]}
    assert [runs[talk]["state"] for talk in talks] == ["succeeded"] * 3
    assert mock.counts()["duplicates"] == 0
    for metric in ("fast", "mean"):
        values = [point["value"] for point in mock.points(metric)]
        assert values == list(range(summary["counts"][metric])), metric
        assert {point["via"] for point in mock.points(metric)} == {"http"}
    shown = mock.points("shown")
    values = [point["value"] for point in shown]
    assert sorted(values) == sorted(set(values))
    # While there is no connection, what a session keeps goes over HTTP.
    live = [point for point in shown if point["via"] == "socket"]
    assert (len(live), summary["live_dropped"]) == (summary["live_sent"], 0)
    assert summary["connects"] == 3
