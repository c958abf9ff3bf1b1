"""`make demo`: it shows an outage without loss, and fails when a reading is lost."""

import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from plexus.clock import sntp
from plexus.port import ticks_ms
from tools.build import REPOSITORY
from tools.demo.arrivals import INTERVALS_MS, Arrivals, Outage
from tools.demo.dashboard import SOURCE, Dashboard
from tools.demo.ending import Ending
from tools.demo.plan import outages
from tools.mock_server import MockServer
from tools.time_server import HOST, TimeServer

SUMMARY = re.compile(
    r"sent (\d+), confirmed (\d+), dropped (\d+), rejected (\d+), stored (\d+) \(duplicates (\d+)\)"
)
DEADLINE_S = 300  # for a slow machine


class Demo:
    """A demo in a process of its own, whose output is not a terminal."""

    def __init__(self, *options: str) -> None:
        # A port of 0 is free whatever else runs on this machine.
        command = [sys.executable, "-m", "tools", "demo", "--port", "0", *options]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = ""

    def read_until(self, pattern: str) -> str:
        """Read lines until one fits; returns its first group."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"no line fits {pattern!r}:\n{self.output}")

    def finish(self) -> tuple[int, dict[str, int]]:
        """Its exit status and the numbers of its last line."""
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        self.output += rest
        found = SUMMARY.fullmatch(self.output.strip().splitlines()[-1])
        assert found, self.output
        names = ("sent", "confirmed", "dropped", "rejected", "stored", "duplicates")
        return self.process.returncode, dict(zip(names, map(int, found.groups()), strict=True))

    def children(self) -> list[int]:
        pid = self.process.pid
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in lists for child in path.read_text().split()]


@pytest.fixture
def demos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Demo]]:
    """Put a Demo in to have it ended, whatever happens."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for what a killed one leaves behind
    running: list[Demo] = []
    yield running
    for demo in running:
        demo.process.kill()
        demo.process.communicate()


def start(demos: list[Demo], *options: str) -> Demo:
    demos.append(Demo(*options))
    return demos[-1]


# --- the whole demo ---------------------------------------------------------------------------


def test_demo_for_some_seconds_shows_an_outage_and_loses_nothing(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "8")
    status, summary = demo.finish()
    assert status == 0, demo.output
    assert summary["sent"] > 0
    assert summary["confirmed"] == summary["stored"] - summary["duplicates"] == summary["sent"]
    assert summary["dropped"] == summary["rejected"] == 0
    assert "OUTAGE" in demo.output
    inside = re.search(r"(\d+) readings are dated inside it", demo.output)
    assert inside and int(inside[1]) > 0
    assert "live page  http://127.0.0.1:" in demo.output


def test_demo_for_some_seconds_plays_the_dashboard_and_tells_what_was_seen(
    demos: list[Demo],
) -> None:
    demo = start(demos, "--for", "5")
    status, _ = demo.finish()
    assert status == 0, demo.output
    for words in ("is there, with 9 sensors", "streams live", "is read 4 times a second",
                  "memory has ended with 0", "demo-session records", "has gone on",
                  "the session has ended"):  # fmt: skip
        assert words in demo.output
    recorded = re.search(r"session: (\d+) readings are on the server", demo.output)
    assert recorded and int(recorded[1]) > 0


def test_demo_without_a_dashboard_fails_and_says_what_was_not_seen(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "5", "--patience", "5")
    page = demo.read_until(r"live page  (\S+)")
    fault = json.dumps({"status": 404, "path": "/party", "times": -1}).encode()
    urllib.request.urlopen(page + "admin/faults", data=fault, timeout=10).close()
    status, _ = demo.finish()
    assert status == 1
    assert "LOST: the dashboard waited in vain for the device" in demo.output


def test_demo_with_too_small_a_ring_tells_of_the_loss(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "5", "--ring-bytes", "256")
    status, summary = demo.finish()
    assert status == 1
    assert summary["dropped"] == summary["sent"] - summary["confirmed"] > 0
    assert "LOST: " in demo.output


def test_session_of_20_ms_over_a_long_outage_loses_nothing(demos: list[Demo]) -> None:
    demo = start(demos)
    page = demo.read_until(r"live page  (\S+)")
    demo.read_until(r"device: (ok; .*), [1-9]\d* confirmed")
    session = {"session_id": "long", "metrics": [], "interval_ms": 20}
    ask(page, "devices/demo-device/commands", {"command": "start_session", "params": session})
    demo.read_until(r"(records long)")
    # The demo's own outage comes on top.
    ask(page, "outage", {"for_ms": 10_000})
    demo.read_until(r"(OUTAGE)")
    demo.read_until(r"(caught up): \d+ readings")
    demo.read_until(r"(connected; .* records long)")
    assert device_of(page)["violations"] == []
    demo.process.send_signal(signal.SIGINT)
    status, summary = demo.finish()
    assert status == 0, demo.output
    assert summary["dropped"] == 0
    assert summary["stored"] - summary["duplicates"] == summary["sent"]
    # More than a ring of 16 KiB holds.
    maximum = max(map(int, re.findall(r"(\d+) pending", demo.output)))
    assert maximum > 1000


def test_demo_of_a_device_that_breaks_the_protocol_fails(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "5")
    server = demo.read_until(r"server     http://(\S+)/api/ingest")
    with connect(f"ws://{server}/ws/device", proxy=None) as twin:
        introduction = {"type": "device_auth", "api_key": "plx_t", "source_id": SOURCE}
        twin.send(json.dumps(introduction))
        twin.recv(10)
        twin.send(json.dumps({"type": "pong"}))
        assert twin.ping().wait(10)
    status, _ = demo.finish()
    assert status == 1
    assert "WRONG: the device broke the protocol: pong without a ping" in demo.output


def test_device_that_a_person_restarts_has_lost_nothing(demos: list[Demo]) -> None:
    demo = start(demos)
    page = demo.read_until(r"live page  (\S+)")
    demo.read_until(r"device: (ok; .*), [1-9]\d* confirmed")
    demo.read_until(r"dashboard: (connected)")
    connects = device_of(page)["connects"]
    ask(page, "devices/demo-device/commands",
        {"command": "execute", "params": {"command": "restart"}})  # fmt: skip
    wait_until(lambda: device_of(page)["connects"] > connects and device_of(page)["connected"])
    demo.read_until(r"device: (ok; .*), [1-9]\d* confirmed")
    demo.process.send_signal(signal.SIGINT)
    status, summary = demo.finish()
    assert status == 0, demo.output
    assert "LOST" not in demo.output
    assert "cannot be checked: what waited when the device was restarted" in demo.output
    assert summary["stored"] > summary["confirmed"]


def test_demo_survives_what_a_person_mistypes(demos: list[Demo]) -> None:
    demo = start(demos)
    page = demo.read_until(r"live page  (\S+)")
    demo.read_until(r"dashboard: (connected)")
    for params in (
        {"sensor": "bme280", "config": {"interval_ms": "fast"}},
        {"sensor": "bme280", "config": {"sample_rate": "x"}},
        {"sensor": "bme280", "config": 5},
        {"config": {}},
        {},
    ):
        ask(page, "devices/demo-device/commands", {"command": "configure", "params": params})
    wait_until(lambda: len(device_of(page)["errors"]) == 5)
    demo.process.send_signal(signal.SIGINT)
    status, _ = demo.finish()
    assert status == 0, demo.output


def ask(page: str, path: str, document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    urllib.request.urlopen(f"{page}admin/{path}", data=data, timeout=30).close()


def device_of(page: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{page}admin/devices", timeout=30) as answer:
        return json.load(answer)["devices"][0]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_demo_of_a_server_that_confirms_what_it_does_not_keep_fails(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "5")
    page = demo.read_until(r"live page  (\S+)")
    fault = json.dumps({"store": False, "path": "/api/ingest"}).encode()
    urllib.request.urlopen(page + "admin/faults", data=fault, timeout=10).close()
    status, summary = demo.finish()
    assert status == 1
    assert summary["confirmed"] == summary["sent"] > summary["stored"]
    assert "readings are not on the server" in demo.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_demo_with_a_flush_and_no_process_left(
    demos: list[Demo], number: signal.Signals
) -> None:
    demo = start(demos)
    demo.read_until(r"device: (ok; .*), [1-9]\d* confirmed")
    children = demo.children()
    assert children
    demo.process.send_signal(number)
    status, summary = demo.finish()
    assert status == 0, demo.output
    assert summary["stored"] == summary["sent"] > 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def asks_at(step: int, ending: Ending) -> Callable[..., Any]:
    """A trace function that calls the handler of a signal before the step of that number."""
    count = itertools.count(1)

    def trace(frame: Any, *_: object) -> Any:
        if next(count) == step:
            ending.ask(signal.SIGTERM, frame)
        return trace

    return trace


def test_signal_may_come_at_any_step_of_a_wait() -> None:
    """The handler runs between two steps of the wait, on its thread: it must not want its lock."""
    asked: list[bool] = []
    steps = range(1, 60)  # more than any wait has

    def ask_at_each() -> None:
        for step in steps:
            ending = Ending()
            sys.settrace(asks_at(step, ending))
            ending.wait(0.01)
            sys.settrace(None)
            asked.append(ending.asked)

    thread = threading.Thread(target=ask_at_each, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert asked[0] and not asked[-1]


def test_device_ends_when_the_demo_is_killed(demos: list[Demo]) -> None:
    demo = start(demos)
    demo.read_until(r"device: (.*)")
    children = [pid for pid in demo.children() if runs(pid, "micropython")]
    assert children
    demo.process.kill()
    deadline = time.monotonic() + DEADLINE_S
    while any(runs(pid, "micropython") for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs(pid: int, word: str) -> bool:
    """Whether that process is there and has the word in its command; a zombie has none."""
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def test_too_short_a_run_is_refused() -> None:
    command = [sys.executable, "-m", "tools", "demo", "--for", "1"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 2
    assert "--for takes 5 or more" in result.stdout


# --- its check of the timestamps --------------------------------------------------------------


def arrived(outage: Outage, shift_ms: int = 0) -> Arrivals:
    """All that was sampled from 5 s before to 5 s after an outage, in it by `shift_ms` too late."""
    assert outage.end_ms is not None
    arrivals = Arrivals("")
    arrivals.outages.append(outage)
    for name, interval_ms in INTERVALS_MS.items():
        for at in range(outage.start_ms - 5000, outage.end_ms + 5000, interval_ms):
            inside = outage.start_ms <= at <= outage.end_ms
            arrivals.metrics[name].times_ms.append(at + shift_ms * inside)
    return arrivals


def test_readings_dated_when_they_were_taken_pass() -> None:
    outage = Outage(100_000, 106_000)
    arrivals = arrived(outage)
    assert arrivals.caught_up(outage)
    assert arrivals.problems(outage, late_ms=0) == []
    assert arrivals.inside(outage)["temperature"] == 7


def test_readings_dated_when_they_were_sent_are_found() -> None:
    outage = Outage(100_000, 106_000)
    problems = arrived(outage, shift_ms=6000).problems(outage, late_ms=200)
    assert len(problems) == len(INTERVALS_MS)
    assert problems[0].startswith("temperature: 7000 ms without a reading")


def test_sample_that_the_device_itself_calls_late_is_no_gap() -> None:
    outage = Outage(100_000, 106_000)
    arrivals = arrived(outage)
    del arrivals.metrics["imu.acceleration"].times_ms[70:80]
    assert arrivals.problems(outage, late_ms=600) == []
    assert arrivals.problems(outage, late_ms=100) == [
        "imu.acceleration: 1100 ms without a reading around the outage, "
        "though sampled every 100 ms and at most 100 ms late"
    ]


def test_metric_whose_rate_was_lowered_may_pause_for_longer() -> None:
    outage = Outage(100_000, 106_000)
    arrivals = arrived(outage)
    del arrivals.metrics["temperature"].times_ms[4:11]
    assert len(arrivals.problems(outage, late_ms=0)) == 1
    arrivals.configured(["temperature"], {"sample_rate": 0.2})
    assert arrivals.problems(outage, late_ms=0) == []


@pytest.mark.parametrize(
    "config", [{"interval_ms": "fast"}, {"sample_rate": "x"}, {"sample_rate": 0}, {}]
)
def test_configuration_that_says_no_number_changes_nothing(config: dict[str, Any]) -> None:
    arrivals = Arrivals("")
    arrivals.configured(["temperature"], config)
    assert arrivals.intervals_ms == INTERVALS_MS


@pytest.fixture(params=["documented", "gateway"])
def configured(request: pytest.FixtureRequest) -> Iterator[tuple[Dashboard, Any, Arrivals]]:
    """A Dashboard; what sends a configure and says the device's answer; what is expected now."""
    with MockServer(request.param) as server, connect(server.ws_url, proxy=None) as device:
        arrivals = Arrivals(server.admin_url)
        dashboard = Dashboard(server.admin_url, arrivals, lambda _text, _kind: None)
        sensor = {"name": "bme280", "metrics": ["temperature"]}
        device.send(json.dumps({"type": "device_auth", "api_key": "plx_t", "source_id": SOURCE,
                                "sensors": [sensor], "commands": []}))  # fmt: skip
        device.recv(10)

        def configure(refused: bool) -> None:
            config = {"sensor": "bme280", "config": {"sample_rate": 0.2}}
            server.command(SOURCE, "configure", config)
            asked = json.loads(device.recv(10))
            words = {"error": "sample_rate: 0.2; give more"}
            answers = []
            if "command" in asked:
                answer = {"type": "command_result", "id": asked["id"], "command": "configure"}
                last = {"event": "error"} | words if refused else {"event": "result", "result": {}}
                answers = [answer | {"event": "ack"}, answer | last]
            elif refused:
                answers = [{"type": "device_error", "source_id": SOURCE, "source": "bme280",
                            "severity": "warning"} | words]  # fmt: skip
            for answer in answers:
                device.send(json.dumps(answer))
            assert device.ping().wait(10)

        yield dashboard, configure, arrivals


def test_configuration_that_was_refused_changes_nothing(configured: Any) -> None:
    dashboard, configure, arrivals = configured
    configure(refused=True)
    dashboard.close()
    assert arrivals.intervals_ms == INTERVALS_MS
    configure(refused=False)
    dashboard.close()
    assert arrivals.intervals_ms["temperature"] == 10_000


def test_metric_whose_sensor_was_changed_is_not_expected_any_more() -> None:
    outage = Outage(100_000, 106_000)
    arrivals = arrived(outage)
    arrivals.metrics["temperature"].times_ms.clear()
    assert not arrivals.caught_up(outage)
    arrivals.configured(["temperature"], {"prefix": "lab."})
    assert arrivals.caught_up(outage)
    assert arrivals.problems(outage, late_ms=0) == []


def test_outage_is_not_over_while_nothing_younger_has_come() -> None:
    outage = Outage(100_000, 106_000)
    arrivals = arrived(outage)
    del arrivals.metrics["humidity"].times_ms[-5:]
    assert not arrivals.caught_up(outage)


def test_plan_leaves_half_of_a_bounded_run_for_the_catch_up() -> None:
    for for_s in (5.0, 20.0, 1000.0):
        ((start_s, length_s),) = outages(for_s)
        assert start_s > 0 and start_s + length_s <= for_s / 2


# --- its time server --------------------------------------------------------------------------


def test_built_in_time_server_satisfies_the_device() -> None:
    with TimeServer(chrony=False) as server:
        epoch_us, _, error_us = sntp.measure(HOST, server.port, 5000, 4, ticks_ms)
    assert server.name == "built-in SNTP responder"
    assert abs(epoch_us / 1e6 - time.time()) < 60
    assert error_us < 5_000_000
