"""Runs the demo: server, time server and device; the outages; what came of it."""

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tools.demo.arrivals import INTERVALS_MS, Arrivals, Outage, now_ms
from tools.demo.device import BOARD, HEAP, Device
from tools.demo.plan import outages
from tools.demo.screen import Screen
from tools.mock_server import MockServer
from tools.time_server import HOST, TimeServer

_POLL_S = 0.25
_FIRST_S = 30  # a bounded run does not wait longer for the first reading
_INGEST = "/api/ingest"


class Stage:
    """One run. for_s: how long, None for until a signal. port: the server's, if it is free."""

    def __init__(self, for_s: float | None, port: int, ring_bytes: int) -> None:
        self._for_s = for_s
        self._port = port
        self._ring_bytes = ring_bytes
        self._stop = threading.Event()
        self._screen = Screen()

    def run(self) -> int:
        """Returns the exit status: 0 if nothing was lost."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._on_signal)
        try:
            with (
                _server(self._port) as server,
                TimeServer() as time_server,
                tempfile.TemporaryDirectory(prefix="plexus-demo-") as directory,
            ):
                return self._play(server, time_server, Path(directory))
        except KeyboardInterrupt:
            print("ended before the device could flush")
            return 1
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for the flush
        self._stop.set()

    def _play(self, server: MockServer, time_server: TimeServer, directory: Path) -> int:
        say = self._screen.say
        say(None, f"live page  {server.admin_url}/")
        say(None, f"server     {server.url}{_INGEST}")
        say(None, f"time       {time_server.name} at {HOST}:{time_server.port}")
        say(None, f"device     the firmware on a virtual board: MicroPython, heap {HEAP}B, "
            f"ring {self._ring_bytes} B, sensors of boards/{BOARD}.json")  # fmt: skip
        say(None, "Ctrl-C ends it" if self._for_s is None else f"ends after {self._for_s:g} s")
        arrivals = Arrivals(server.admin_url)
        device = Device(
            directory,
            {
                "api_key": "plx_demo",
                "source_id": "demo-device",
                "endpoint": server.url + _INGEST,
                "ring_bytes": self._ring_bytes,
                "flush_interval_ms": 1000,
                "timeout_ms": 5000,
                "ntp_hosts": [HOST],
                "ntp_port": time_server.port,
            },
        )
        try:
            self._watch(server, arrivals, device)
            server.restore()
            device.stop()
        finally:
            device.kill()
        arrivals.poll()
        self._screen.leave()
        return self._conclude(arrivals, device)

    def _watch(self, server: MockServer, arrivals: Arrivals, device: Device) -> None:
        start = time.monotonic()
        while device.running and not arrivals.counts.get("points"):
            at_s = time.monotonic() - start
            if self._stop.wait(_POLL_S) or (self._for_s is not None and at_s > _FIRST_S):
                return
            arrivals.poll()
            self._screen.show(0.0, arrivals, False, device.status, device.pending)
        start = time.monotonic()
        plan = outages(self._for_s)
        begin_s, length_s = next(plan)
        end_s: float | None = None  # of the outage that we made
        seen = checked = 0  # outages, also those that somebody makes on the page
        was_out = False
        at_s = 0.0
        while device.running and not self._stop.wait(_POLL_S):
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
            out = bool(arrivals.outages) and arrivals.outages[-1].end_ms is None
            if out and not was_out:
                seen = len(arrivals.outages)
                self._screen.say(at_s, "OUTAGE: the server is unreachable; sampling goes on", "bad")
            elif was_out and not out:
                self._screen.say(at_s, "the server is back; the device tries when its wait is over")
            was_out = out
            if checked < seen and arrivals.caught_up(arrivals.outages[checked]):
                outage = arrivals.outages[checked]
                checked += 1
                self._screen.say(at_s, "caught up: " + _account(arrivals, outage), "good")
            self._screen.show(at_s, arrivals, out, device.status, device.pending)
        self._screen.say(at_s, "ending: the device sends what is left")
        self._screen.show(at_s, arrivals, False, device.status, device.pending)

    def _conclude(self, arrivals: Arrivals, device: Device) -> int:
        say = self._screen.say
        summary = device.summary()
        if summary is None:
            say(None, f"the device ended without a summary; its last words:\n{device.output()}")
            return 1
        counts = arrivals.counts
        lost = []
        if summary["confirmed"] != summary["sent"]:
            lost.append(f"{summary['sent'] - summary['confirmed']} readings were not confirmed")
        if arrivals.resets:
            lost.append("the server was made to forget readings, so this cannot be checked")
        elif counts["distinct"] != summary["sent"]:
            lost.append(f"{summary['sent'] - counts['distinct']} readings are not on the server")
        for outage in arrivals.outages:
            say(None, f"outage of {_seconds(outage)}: {_account(arrivals, outage)}")
            lost += arrivals.problems(outage, summary["late_ms"])
        say(None, f"sampled at most {summary['late_ms']} ms late")
        for problem in lost:
            say(None, f"LOST: {problem}")
        say(None, "sent {sent}, confirmed {confirmed}, dropped {dropped}, rejected {rejected}, "
            "stored {stored} (duplicates {duplicates})".format(
                **summary, stored=counts["points"], duplicates=counts["duplicates"]))  # fmt: skip
        return 1 if lost else 0


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


def _account(arrivals: Arrivals, outage: Outage) -> str:
    inside = sum(arrivals.inside(outage).values())
    gaps_ms = arrivals.gaps_ms(outage)
    name = max(gaps_ms, key=lambda name: gaps_ms[name] - INTERVALS_MS[name])
    return (
        f"{inside} readings are dated inside it; "
        f"{name}, due every {INTERVALS_MS[name]} ms, paused for {gaps_ms[name]} ms at most"
    )


def _seconds(outage: Outage) -> str:
    end_ms = outage.end_ms or now_ms()
    return f"{(end_ms - outage.start_ms) / 1000:.1f} s"
