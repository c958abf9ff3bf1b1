"""Plays the person at the dashboard, by the server's admin paths, and checks what came of it."""

import http
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.demo.arrivals import Arrivals
from tools.mock_server import commands

SOURCE = "demo-device"
STREAMED = "vibration.acceleration"  # of the sensor that is read only while somebody wants it
RECORDED = "imu.acceleration"
SESSION = "demo-session"
_FAST_HZ = 4  # in place of 1, for the sensor that measures:
_FASTER = ("bme280", "temperature")
_STREAM_MS = 20
_SESSION_MS = 100
_READINGS = 10  # that are proof enough
# Nothing answers a configure that is obeyed, and a device_error one that is not, within this time.
_REFUSED_WITHIN_S = 2.0
_NOT_NOW = (http.HTTPStatus.CONFLICT, http.HTTPStatus.GATEWAY_TIMEOUT)

Say = Callable[[str, str], None]  # (text, kind) as Screen.say() has them
_Steps = Iterator[None]


@dataclass
class _Wish:
    """A configure that somebody sent, and of which it is not known whether it was obeyed."""

    id: str
    sensor: str
    metrics: list[str]  # of the sensor, when it was sent
    config: dict[str, Any]
    typed: bool
    heard_s: float


class Dashboard:
    """Call tick() now and then; `begin` and `end` say which act is to be played."""

    def __init__(self, admin_url: str, arrivals: Arrivals, say: Say) -> None:
        self._url = f"{admin_url}/admin/devices"
        self._arrivals = arrivals
        self._say = say
        self._last_id = 0
        self._heard: list[dict[str, Any]] = []  # of what the device has said, the answers
        self._wishes: list[_Wish] = []
        self._streamed = 0
        self.recorded = 0  # readings of the session that are on the server, once problems() ran
        self._steps: _Steps = iter(())
        self._step = ""  # what it waits for; "" when the act is over
        self._missing: list[str] = []

    @property
    def busy(self) -> bool:
        return bool(self._step)

    @property
    def status(self) -> str:
        """The device's connection in a line, for a person."""
        device = self._device()
        if device is None or not device["connected"]:
            return "not connected"
        session = device["session"]
        return "connected; streams: {}, readings live: {}{}".format(
            len(device["streams"]),
            device["points"],
            f", records {session['session_id']}" if session else "",
        )

    @property
    def step(self) -> str:
        """What it waits for."""
        return self._step

    def begin(self) -> None:
        """Start a stream, change a rate, run a command, and begin a recording session."""
        self._play(self._first())

    def end(self) -> None:
        """After an outage: see that the session has gone on, and end it."""
        if not self._missing:
            self._play(self._last())

    def tick(self) -> None:
        """Hear what is new, and go on."""
        known = self._device() is not None
        path = f"/{SOURCE}/messages?since_id={self._last_id}"
        for entry in self._open(path)["messages"] if known else []:
            self._last_id = entry["id"]
            message = entry["message"]
            if not isinstance(message, dict):
                continue
            if entry["from"] == "device":
                self._hear(message)
            else:
                self._wish(message)
        self._obeyed([w for w in self._wishes if not w.typed and _is_old(w)])
        if next(self._steps, self) is self:
            self._step = ""

    def give_up(self) -> None:
        """The act takes too long: what it waits for is missing."""
        if self._step:
            self._missing.append(self._step)
            self._steps, self._step = iter(()), ""

    def close(self) -> None:
        """The device is gone, so nothing is refused any more."""
        self.tick()
        self._obeyed(list(self._wishes))

    def problems(self) -> list[str]:
        """What the device has not done, or the server has not got, or should not have."""
        problems = [f"the dashboard waited in vain for {what}" for what in self._missing]
        if self._missing:
            return problems
        points = [point for point in self._arrivals.points() if not point["duplicate"]]
        self.recorded = sum(_session(point) == SESSION for point in points)
        for name in (STREAMED, RECORDED):
            if not any(_session(point) == SESSION for point in points if point["metric"] == name):
                problems.append(f"no reading of {name} in the session is on the server")
        for point in points:
            if point["metric"] == STREAMED and _session(point) != SESSION:
                problems.append(f"a reading of {STREAMED} was kept that nobody recorded")
                break
        return problems

    def violations(self) -> list[str]:
        """What the server says that the device did against the protocol."""
        device = self._device()
        return device["violations"] if device else []

    def _play(self, steps: _Steps) -> None:
        self._steps, self._step = steps, "its turn"

    def _first(self) -> _Steps:
        yield from self._until("the device", self._connected)
        device = self._device() or {}
        self._say(
            "dashboard: the device is there, with "
            f"{len(device['sensors'])} sensors and {len(device['commands'])} commands", "good"
        )  # fmt: skip
        yield from self._send("start_stream", id="demo", metrics=[STREAMED], interval_ms=_STREAM_MS)
        yield from self._until("a stream", lambda: self._streamed >= _READINGS)
        self._say(f"dashboard: {STREAMED} streams live, every {_STREAM_MS} ms", "good")
        sensor, metric = _FASTER
        yield from self._send("configure", sensor=sensor, config={"sample_rate": _FAST_HZ})
        yield from self._until("another rate", lambda: self._is_faster(metric))
        self._say(f"dashboard: {sensor} is read {_FAST_HZ} times a second", "good")
        yield from self._send("execute", command="memory")
        yield from self._until("a command's end", lambda: self._said("output", event="exit"))
        exits = [m for m in self._heard if m["type"] == "output" and m["event"] == "exit"]
        self._say(f"dashboard: the command memory has ended with {exits[-1].get('code')}", "good")
        yield from self._send(
            "start_session",
            session_id=SESSION,
            session_name="Demo",
            metrics=[STREAMED, RECORDED],
            interval_ms=_SESSION_MS,
        )
        yield from self._until("a session's start", lambda: self._said("session_started"))
        self._say(f"dashboard: session {SESSION} records", "good")

    def _last(self) -> _Steps:
        yield from self._until("the device to be back", self._connected)
        yield from self._until("the session after it", lambda: self._said("session_started") > 1)
        self._say(f"dashboard: the device is back, session {SESSION} has gone on", "good")
        yield from self._send("stop_session", session_id=SESSION)
        yield from self._until("a session's end", lambda: self._said("session_stopped"))
        self._say("dashboard: the session has ended", "good")

    def _until(self, what: str, condition: Callable[[], object]) -> _Steps:
        self._step = what
        while not condition():
            yield

    def _connected(self) -> bool:
        device = self._device()
        return bool(device and device["connected"])

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "telemetry":
            self._streamed += sum(point["metric"] == STREAMED for point in message["points"])
        elif kind in ("output", "session_started", "session_stopped"):
            self._heard.append(message)
        elif kind == "command_result" and message.get("event") != "ack":
            wishes = [wish for wish in self._wishes if wish.id == message.get("id") and wish.typed]
            if message.get("event") == "result":
                self._obeyed(wishes)
            else:
                self._wishes = [wish for wish in self._wishes if wish not in wishes]
        elif kind == "device_error" and message.get("severity") != "info":
            source = message.get("source")
            refused = [wish for wish in self._wishes if not wish.typed and wish.sensor == source]
            if refused:
                self._wishes.remove(refused[-1])

    def _wish(self, message: dict[str, Any]) -> None:
        asked = commands.from_wire(message)
        if asked is None or asked[1] != "configure":
            return
        command_id, _, params, typed = asked
        sensor, config = params.get("sensor"), params.get("config")
        if isinstance(sensor, str) and isinstance(config, dict):
            metrics = self._metrics_of(sensor)
            now_s = time.monotonic()
            self._wishes.append(_Wish(command_id, sensor, metrics, config, typed, now_s))

    def _obeyed(self, wishes: list[_Wish]) -> None:
        for wish in wishes:
            self._wishes.remove(wish)
            self._arrivals.configured(wish.metrics, wish.config)

    def _is_faster(self, metric: str) -> bool:
        times = self._arrivals.metrics[metric].times_ms[-4:]
        return len(times) == 4 and times[-1] - times[0] < 2 * 3 * 1000 / _FAST_HZ

    def _said(self, kind: str, **fields: object) -> int:
        return sum(
            message["type"] == kind and message.items() >= fields.items() for message in self._heard
        )

    def _metrics_of(self, sensor: str) -> list[str]:
        sensors = (self._device() or {"sensors": []})["sensors"]
        return [m for s in sensors if s["name"] == sensor for m in s.get("metrics", [])]

    def _device(self) -> dict[str, Any] | None:
        for device in self._open("")["devices"]:
            if device["source_id"] == SOURCE:
                return device
        return None

    def _send(self, kind: str, **params: Any) -> _Steps:
        body = json.dumps({"command": kind, "params": params}).encode()

        def sent() -> bool:
            try:
                self._open(f"/{SOURCE}/commands", body)
            except urllib.error.HTTPError as error:
                if error.code not in _NOT_NOW:
                    raise
                return False  # it is not connected at this moment, or does not read
            return True

        yield from self._until(f"a connection for {kind}", sent)

    def _open(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(
            self._url + path, body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def _is_old(wish: _Wish) -> bool:
    return time.monotonic() - wish.heard_s > _REFUSED_WITHIN_S


def _session(point: dict[str, Any]) -> str | None:
    return (point["tags"] or {}).get("session_id")
