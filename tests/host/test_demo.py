"""`make demo`: it shows an outage without loss, and fails when a reading is lost."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from plexus import sntp
from plexus._port import ticks_ms
from tools.build import REPOSITORY
from tools.demo.arrivals import INTERVALS_MS, Arrivals, Outage
from tools.demo.plan import outages
from tools.time_server import HOST, TimeServer

SUMMARY = re.compile(
    r"sent (\d+), confirmed (\d+), dropped (\d+), rejected (\d+), stored (\d+) \(duplicates (\d+)\)"
)
DEADLINE_S = 60


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


def test_demo_with_too_small_a_ring_tells_of_the_loss(demos: list[Demo]) -> None:
    demo = start(demos, "--for", "5", "--ring-bytes", "256")
    status, summary = demo.finish()
    assert status == 1
    assert summary["dropped"] == summary["sent"] - summary["confirmed"] > 0
    assert "LOST: " in demo.output


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
