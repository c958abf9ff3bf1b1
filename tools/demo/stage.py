"""Runs the demo: server, time server and device; the outages; what came of it."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tools.demo.arrivals import Arrivals, Outage, now_ms
from tools.demo.dashboard import SOURCE, Dashboard
from tools.demo.device import BOARD, HEAP, Device
from tools.demo.ending import Ending
from tools.demo.plan import outages
from tools.demo.screen import Screen
from tools.mock_server import MockServer
from tools.time_server import HOST, TimeServer

_POLL_S = 0.25
_INGEST = "/api/ingest"


class Stage:
    """One run. for_s: how long, None for until a signal. port: the server's, if it is free.

    patience_s: a bounded run waits so long for the first reading, and for each thing that the
    dashboard wants to see.
    """

    def __init__(self, for_s: float | None, port: int, ring_bytes: int, patience_s: float) -> None:
        self._for_s = for_s
        self._port = port
        self._ring_bytes = ring_bytes
        self._patience_s = patience_s
        self._ending = Ending()
        self._screen = Screen()
        self._start = 0.0

    def run(self) -> int:
        """Returns the exit status: 0 if nothing was lost."""
        try:
            with (
                self._ending,
                _server(self._port) as server,
                TimeServer() as time_server,
                tempfile.TemporaryDirectory(prefix="plexus-demo-") as directory,
            ):
                return self._play(server, time_server, Path(directory))
        except KeyboardInterrupt:
            print("ended before the device could flush")
            return 1

    def _play(self, server: MockServer, time_server: TimeServer, directory: Path) -> int:
        say = self._screen.say
        say(None, f"live page  {server.admin_url}/")
        say(None, f"server     {server.url}{_INGEST}")
        say(None, f"time       {time_server.name} at {HOST}:{time_server.port}")
        say(None, f"device     the firmware on a virtual board: MicroPython, heap {HEAP}B, "
            f"ring {self._ring_bytes} B, sensors of boards/{BOARD}.json")  # fmt: skip
        say(None, "Ctrl-C ends it" if self._for_s is None else f"ends after {self._for_s:g} s")
        if self._for_s is None:
            say(None, f"on the page you can start streams of {SOURCE}, record a session, change "
                "the rate of a sensor, run a command")  # fmt: skip
        arrivals = Arrivals(server.admin_url)
        dashboard = Dashboard(server.admin_url, arrivals, self._told)
        device = Device(
            directory,
            {
                "api_key": "plx_demo",
                "source_id": SOURCE,
                "endpoint": server.url + _INGEST,
                "agent": {"url": server.ws_url},
                "ring_bytes": self._ring_bytes,
                "flush_interval_ms": 1000,
                "timeout_ms": 5000,
                "ntp_hosts": [HOST],
                "ntp_port": time_server.port,
            },
        )
        try:
            self._watch(server, arrivals, dashboard, device)
            server.restore()
            device.stop()
        finally:
            device.kill()
        arrivals.poll()
        dashboard.close()
        self._screen.leave()
        return self._conclude(arrivals, dashboard, device)

    def _told(self, text: str, kind: str) -> None:
        self._screen.say(time.monotonic() - self._start, text, kind)

    def _watch(
        self, server: MockServer, arrivals: Arrivals, dashboard: Dashboard, device: Device
    ) -> None:
        if not self._first_readings(arrivals, device):
            return
        self._start = time.monotonic()
        if self._for_s is not None:
            dashboard.begin()
            self._act(arrivals, dashboard, device)
        self._outages(server, arrivals, dashboard, device)
        server.restore()
        if self._for_s is not None:
            dashboard.end()
            self._act(arrivals, dashboard, device)
        self._told("ending: the device sends what is left", "")

    def _first_readings(self, arrivals: Arrivals, device: Device) -> bool:
        start = time.monotonic()
        while device.running and not arrivals.counts.get("points"):
            at_s = time.monotonic() - start
            if self._ending.wait(_POLL_S) or (self._for_s is not None and at_s > self._patience_s):
                return False
            arrivals.poll()
            self._screen.show(0.0, arrivals, False, device, "not connected")
        return True

    def _act(self, arrivals: Arrivals, dashboard: Dashboard, device: Device) -> None:
        """Let the dashboard do its part."""
        start, step = time.monotonic(), dashboard.step
        while dashboard.busy and device.running and not self._ending.wait(_POLL_S):
            if dashboard.step != step:
                start, step = time.monotonic(), dashboard.step
            if time.monotonic() - start > self._patience_s:
                break
            arrivals.poll()
            dashboard.tick()
            at_s = time.monotonic() - self._start
            self._screen.show(at_s, arrivals, False, device, dashboard.status)
        dashboard.give_up()

    def _outages(
        self, server: MockServer, arrivals: Arrivals, dashboard: Dashboard, device: Device
    ) -> None:
        start = time.monotonic()
        plan = outages(self._for_s)
        begin_s, length_s = next(plan)
        end_s: float | None = None  # of the outage that we made
        seen = checked = 0  # outages, also those that somebody makes on the page
        was_out = False
        while device.running and not self._ending.wait(_POLL_S):
            at_s = time.monotonic() - start
            if self._for_s is not None and at_s >= self._for_s:
                break
            if begin_s is not None and at_s >= begin_s:
                server.outage()
                end_s = begin_s + length_s
                begin_s, length_s = next(plan, (None, 0.0))
            if end_s is not None and at_s >= end_s:
                server.restore()
                end_s = None
            arrivals.poll()
            dashboard.tick()
            out = bool(arrivals.outages) and arrivals.outages[-1].end_ms is None
            if out and not was_out:
                seen = len(arrivals.outages)
                self._told("OUTAGE: the server is unreachable; sampling goes on", "bad")
            elif was_out and not out:
                self._told("the server is back; the device tries when its wait is over", "")
            was_out = out
            if checked < seen and arrivals.caught_up(arrivals.outages[checked]):
                outage = arrivals.outages[checked]
                checked += 1
                self._told("caught up: " + _account(arrivals, outage), "good")
            at_s = time.monotonic() - self._start
            self._screen.show(at_s, arrivals, out, device, dashboard.status)

    def _conclude(self, arrivals: Arrivals, dashboard: Dashboard, device: Device) -> int:
        say = self._screen.say
        summary = device.summary()
        if summary is None:
            say(None, f"the device ended without a summary; its last words:\n{device.output()}")
            return 1
        stored = arrivals.counts["distinct"]
        lost = []
        if summary["confirmed"] != summary["sent"]:
            lost.append(f"{summary['sent'] - summary['confirmed']} readings were not confirmed")
        # Of a device that has counted anew, what the server has of before comes on top.
        missing = summary["confirmed" if device.restarts else "sent"] - stored
        if not arrivals.resets and (missing > 0 or (missing < 0 and not device.restarts)):
            lost.append(f"{missing} readings are not on the server")
        for what in _unchecked(arrivals, device):
            say(None, f"cannot be checked: {what}")
        for outage in arrivals.outages:
            say(None, f"outage of {_seconds(outage)}: {_account(arrivals, outage)}")
            if not device.restarts and not arrivals.resets:
                lost += arrivals.problems(outage, summary["late_ms"])
        say(None, f"sampled at most {summary['late_ms']} ms late")
        wrong: list[str] = []
        if self._for_s is not None and not self._ending.asked:
            lost += dashboard.problems()
            wrong = dashboard.violations()
            say(None, f"session: {dashboard.recorded} readings are on the server")
        for problem in lost:
            say(None, f"LOST: {problem}")
        for words in wrong:
            say(None, f"WRONG: the device broke the protocol: {words}")
        say(None, "sent {sent}, confirmed {confirmed}, dropped {dropped}, rejected {rejected}, "
            "stored {stored} (duplicates {duplicates})".format(
                **summary, stored=arrivals.counts["points"],
                duplicates=arrivals.counts["duplicates"]))  # fmt: skip
        return 1 if lost or wrong else 0


@contextlib.contextmanager
def _server(port: int) -> Iterator[MockServer]:
    """The mock server, on this port and the next one, or if they are taken on others."""
    server = MockServer(port=port, admin_port=port + 1 if port else 0)
    try:
        server.start()
    except OSError:
        server = MockServer()
        server.start()
    try:
        yield server
    finally:
        server.stop()


def _unchecked(arrivals: Arrivals, device: Device) -> list[str]:
    """What a person has done on the page that no reading can be missed for."""
    causes = []
    if device.restarts:
        causes.append("what waited when the device was restarted; it has counted anew")
    if arrivals.resets:
        causes.append("what was stored, as the server was made to forget readings")
    return causes


def _account(arrivals: Arrivals, outage: Outage) -> str:
    inside = sum(arrivals.inside(outage).values())
    gaps_ms = arrivals.gaps_ms(outage)
    intervals_ms = arrivals.intervals_ms
    name = max(gaps_ms, key=lambda name: gaps_ms[name] - intervals_ms[name])
    return (
        f"{inside} readings are dated inside it; "
        f"{name}, due every {intervals_ms[name]} ms, paused for {gaps_ms[name]} ms at most"
    )


def _seconds(outage: Outage) -> str:
    end_ms = outage.end_ms or now_ms()
    return f"{(end_ms - outage.start_ms) / 1000:.1f} s"
