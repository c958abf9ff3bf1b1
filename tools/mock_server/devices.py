"""The devices that came over the socket: what they are, what was said, what they did wrong."""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tools.mock_server import command_runs, commands
from tools.mock_server.command_runs import CommandRuns
from tools.mock_server.commands import Ledger
from tools.mock_server.contract import ContractError, is_number
from tools.mock_server.limits import Limits
from tools.mock_server.messages import KEPT_TEXT_CHARS, Introduction, check_sensor, kept_sensor
from tools.mock_server.profiles import Profile
from tools.mock_server.transcript import MAX_MESSAGES, Transcript, without_key

KEPT_DEVICES = 200
KEPT_ERRORS = 20
KEPT_VIOLATIONS = 100
# A bare configure has no answer, only a device_error if it is refused: that comes within this time.
REFUSED_WITHIN_S = 1.0
# What a device does not tell of for so long after it has come back, it will not tell of any more.
TOLD_WITHIN_S = 60.0
# By how much a device may seem to have started later than it has: it counts whole seconds.
_UPTIME_ERROR_MS = 2000
_SEND_LIMIT_S = 5.0
_ERROR_FIELDS = ("type", "source_id", "source", "error", "severity", "timestamp")
# What a sensor says of itself that a configure can change.
_CONFIGURED = ("sample_rate", "prefix", "metrics")
# Changes within this time are told to the watchers at once.
_CHANGE_S = 0.1
_COUNTERS_S = 1.0
# What the watchers get as it comes.
RELAYED = {
    "telemetry", "output", "command_result", "command_status", "session_started",
    "session_stopped", "device_error", "pong",
}  # fmt: skip

# Called with a document for everybody who watches.
Relay = Callable[[dict[str, Any]], None]


class DeviceError(Exception):
    """A command that cannot be sent; the status is that of HTTP."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class BoardLink(Protocol):
    """A device's connection."""

    path: str
    # False while pings are not answered.
    answers: bool

    async def send(self, text: str) -> None: ...

    async def close(self, code: int) -> None: ...

    def drop(self, why: str = ...) -> None: ...


class Device:
    """One source, connected now or before."""

    def __init__(self, source_id: str, stream_ids: bool) -> None:
        self.source_id = source_id
        self.link: BoardLink | None = None
        self.introduction: Introduction | None = None
        self.path = ""
        self.connected_ms = 0
        self.connects = 0
        self.uptime_s: float | None = None
        self.ledger = Ledger(stream_ids)
        self.runs = CommandRuns()
        self.messages = Transcript()
        # Bare configures that may yet be refused, by their sensors' names.
        self.tried: list[tuple[str, asyncio.TimerHandle]] = []
        self.forget()

    def forget(self) -> None:
        """Drop what was said and counted; what goes on stays."""
        self.frames = self.points = self.violation_count = 0
        self.messages.clear()
        self.runs.clear()
        self.errors: deque[dict[str, Any]] = deque(maxlen=KEPT_ERRORS)
        self.violations: deque[str] = deque(maxlen=KEPT_VIOLATIONS)

    def declared(
        self, command: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """What the device declared of a command of version 1, and its parameters; else None.

        execute is another way to ask for it.
        """
        if command == "execute" and isinstance(params.get("params", {}), dict):
            command, params = str(params.get("command")), params.get("params", {})
        known = self.introduction
        if known is not None and known.protocol:
            for declared in known.commands:
                if declared["name"] == command:
                    return declared, params
        return None, params

    def violate(self, words: list[str]) -> None:
        self.violation_count += len(words)
        self.violations.extend(self.shown(text)[:KEPT_TEXT_CHARS] for text in words)

    def shown(self, said: Any) -> Any:
        """A message or a text without the API key."""
        assert self.introduction is not None
        return without_key(said, self.introduction.api_key)

    def forget_tried(self) -> None:
        for _, timer in self.tried:
            timer.cancel()
        self.tried.clear()

    def to_json(self) -> dict[str, Any]:
        known = self.introduction
        return {
            "source_id": self.source_id,
            "connected": self.link is not None,
            "answers": self.link is not None and self.link.answers,
            "path": self.path,
            "platform": known.platform if known else "",
            "agent_version": known.agent_version if known else "",
            "sensors": known.sensors if known else [],
            "commands": known.commands if known else [],
            "connected_ms": self.connected_ms,
            "connects": self.connects,
            "uptime_s": self.uptime_s,
            "streams": list(self.ledger.streams.values()),
            "session": self.ledger.session,
            "open_commands": [
                *(command.to_json() for command in self.ledger.open_commands()),
                *self.runs.open(),
            ],
            "command_runs": self.runs.to_json(),
            "protocol": known.protocol if known else 0,
            "acks": known.acks if known else False,
            "hears_goodbye": known.hears_goodbye if known else False,
            "frames": self.frames,
            "points": self.points,
            "errors": list(self.errors),
            "violation_count": self.violation_count,
            "violations": list(self.violations),
        }


class Devices:
    """The registry. All of it runs on the event loop's thread."""

    def __init__(self, profile: Profile, relay: Relay, limits: Limits) -> None:
        self._profile = profile
        self._limits = limits
        self._relay = relay
        self._devices: dict[str, Device] = {}
        self._message_ids = itertools.count(1)
        self._announcement: asyncio.TimerHandle | None = None

    def to_json(self) -> list[dict[str, Any]]:
        return [device.to_json() for device in self._devices.values()]

    def get(self, source_id: str) -> Device:
        """Raises DeviceError for one that never came."""
        if source_id not in self._devices:
            raise DeviceError(f"no device {source_id!r} has connected", 404)
        return self._devices[source_id]

    def messages(
        self, source_id: str, since_id: int = 0, limit: int = MAX_MESSAGES, newest: bool = False
    ) -> list[dict[str, Any]]:
        """What was said after since_id, in order; the first ones, or the last ones if `newest`."""
        return self.get(source_id).messages.rows(since_id, limit, newest)

    def reset(self) -> None:
        """Forget messages and counts, and devices that are gone; connections stay."""
        self._devices = {name: d for name, d in self._devices.items() if d.link is not None}
        for device in self._devices.values():
            device.forget()
        self.changed()

    def attach(self, link: BoardLink, introduction: Introduction) -> Device:
        """A device has authenticated. Its connection before is dropped without a close frame."""
        device = self._devices.get(introduction.source_id)
        if device is None:
            self._make_room()
            device = Device(introduction.source_id, self._profile.stream_ids)
            self._devices[introduction.source_id] = device
        if device.link is not None:
            device.link.drop("a newer connection has replaced it")
        device.link, device.path = link, link.path
        device.introduction = introduction
        device.connected_ms = now_ms()
        device.connects += 1
        device.uptime_s = None
        device.ledger.connected()
        device.runs.connected()
        device.forget_tried()
        asyncio.get_running_loop().call_later(TOLD_WITHIN_S, self._untold, device, link)
        self.changed()
        return device

    def detach(self, device: Device, link: BoardLink) -> None:
        """A connection has ended; does nothing if another has replaced it."""
        if device.link is link:
            device.link = None
            device.ledger.streams.clear()
            self.changed()

    def record(self, device: Device, sender: str, message: Any) -> None:
        """Keep what was said: "device" or "server", a JSON value or the text that is none."""
        device.messages.add(next(self._message_ids), sender, device.shown(message))

    def receive(self, device: Device, message: dict[str, Any]) -> None:
        """Take a message that was found good by itself, and judge it by what came before."""
        kind, ledger = message["type"], device.ledger
        wrong: list[str] = []
        delay_s = _CHANGE_S
        if kind == "telemetry":
            device.frames += 1
            device.points += len(message["points"])
            if not self._profile.stores_telemetry:
                wrong = ledger.telemetry(message, device.source_id)
            delay_s = _COUNTERS_S
        elif kind == "heartbeat" and "uptime_s" in message:
            device.uptime_s = message["uptime_s"]
            began_ms = now_ms() - int(1000 * message["uptime_s"])
            self._give_up(device, began_ms - _UPTIME_ERROR_MS, "the device restarted")
        elif kind == "session_started":
            wrong = ledger.session_started(message, now_ms())
        elif kind == "session_stopped":
            wrong = ledger.session_stopped(message)
        elif kind == "output":
            wrong = ledger.output(message)
        elif kind == "command_result":
            wrong = ledger.command_result(message, now_ms())
            self._follow(device, message)
        elif kind == "command_status":
            wrong = device.runs.status(message)
        elif kind == "command_sync":
            wrong = device.runs.sync()
        elif kind == "pong":
            wrong = ledger.pong()
        elif kind == "device_error":
            self._err(device, message)
        device.violate(wrong)
        shown = device.shown(message) if kind in RELAYED else None
        if isinstance(shown, dict):
            self._relay({**shown, "source_id": device.source_id})
        self.changed(delay_s)

    async def command(
        self, source_id: str, command: object, params: object, ttl_ms: int | None = None
    ) -> str:
        """Send a command in the form that the device takes; returns its id. Raises DeviceError.

        ttl_ms: what is left of a run's life, in place of what the device declared.
        """
        device = self.get(source_id)
        if not isinstance(command, str) or not 0 < len(command) <= 256:
            raise DeviceError("command must be a string of 1 to 256 characters", 400)
        if not isinstance(params, dict):
            raise DeviceError("params must be an object", 400)
        if not self._limits.commands:
            raise DeviceError("commands are not permitted on this plan", 402)
        link = self._link(device)
        if not link.answers:
            raise DeviceError(f"{source_id!r} does not answer pings, so it gets no commands")
        declared, run_params = device.declared(command, params)
        if declared is not None:
            command_id, message = command_runs.to_wire(declared, run_params, ttl_ms)
        else:
            filled = commands.fill(command, params, device.ledger.session)
            command_id, message = commands.to_wire(command, filled, source_id, self._profile)
        await self._send(device, link, json.dumps(message, ensure_ascii=False), message)
        return command_id

    async def say(self, source_id: str, text: str) -> None:
        """Send any text as one message, be it good or not. Raises DeviceError."""
        device = self.get(source_id)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = text
        await self._send(device, self._link(device), text, message)

    async def disconnect(self, source_id: str, code: int | None = None) -> None:
        """Close with that code, or end the TCP connection without a word if there is none."""
        link = self._link(self.get(source_id))
        if code is None:
            link.drop()
        else:
            await link.close(code)

    def changed(self, delay_s: float = _CHANGE_S) -> None:
        """Tell the watchers soon, many changes at once."""
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        if self._announcement is not None:
            if self._announcement.when() <= due:
                return
            self._announcement.cancel()
        self._announcement = loop.call_at(due, self._announce)

    def close(self) -> None:
        if self._announcement is not None:
            self._announcement.cancel()
            self._announcement = None

    def _make_room(self) -> None:
        gone = [device for device in self._devices.values() if device.link is None]
        if len(self._devices) >= KEPT_DEVICES and gone:
            del self._devices[min(gone, key=lambda device: device.connected_ms).source_id]

    def _err(self, device: Device, message: dict[str, Any]) -> None:
        kept = device.shown({name: message[name] for name in _ERROR_FIELDS if name in message})
        kept["error"] = kept["error"][:KEPT_TEXT_CHARS]
        device.errors.append(kept)
        device.ledger.refused(message["source"])
        # The youngest, as of a sensor. Of severity "info" is the news that a sensor is well again.
        for index in reversed(range(len(device.tried))):
            name, timer = device.tried[index]
            if name == message["source"] and message["severity"] != "info":
                timer.cancel()
                del device.tried[index]
                return

    def _untold(self, device: Device, link: BoardLink) -> None:
        if device.link is link:
            words = "the device does not tell of it any more"
            self._give_up(device, device.connected_ms, words)

    def _give_up(self, device: Device, sent_before_ms: int, words: str) -> None:
        """Close commands of earlier connections, and tell the watchers as a device would."""
        for command in device.ledger.give_up(sent_before_ms):
            kind = "output" if command.runs else "command_result"
            end = {"type": kind, "id": command.id, "command": command.command, "event": "error"}
            self._relay({**end, "error": words, "source_id": device.source_id})
            self.changed()

    def _announce(self) -> None:
        self._announcement = None
        self._relay({"type": "devices", "devices": self.to_json()})

    def _follow(self, device: Device, message: dict[str, Any]) -> None:
        # A sensor that was configured is from now on what the result says of it.
        command, result = device.ledger.get(message["id"]), message.get("result")
        if command is None or command.command != "configure" or not isinstance(result, dict):
            return
        news = {key: result[key] for key in _CONFIGURED if key in result}
        if wrong := self._reconfigure(device, command.params.get("sensor"), news):
            device.violate([wrong])

    def _try(self, device: Device, params: dict[str, Any]) -> None:
        # In force unless it is refused.
        sensor, config = params.get("sensor"), params.get("config")
        if not isinstance(sensor, str) or not isinstance(config, dict):
            return

        def unrefused() -> None:
            del device.tried[0]  # the oldest, as all have waited for the same time
            self._reconfigure(device, sensor, _in_force(config))
            self.changed()

        timer = asyncio.get_running_loop().call_later(REFUSED_WITHIN_S, unrefused)
        device.tried.append((sensor, timer))

    def _reconfigure(self, device: Device, name: object, news: dict[str, Any]) -> str:
        """Note what is new of a sensor; returns what is wrong with that, in words, or ""."""
        sensors = device.introduction.sensors if device.introduction else []
        for index, sensor in enumerate(sensors):
            if sensor["name"] == name:
                changed = sensor | (news if "metrics" in news else _renamed(sensor, news))
                try:
                    check_sensor(changed, "result.")
                except ContractError as error:
                    return error.message
                sensors[index] = kept_sensor(changed)
        return ""

    def _link(self, device: Device) -> BoardLink:
        if device.link is None:
            raise DeviceError(f"{device.source_id!r} is not connected")
        return device.link

    async def _send(self, device: Device, link: BoardLink, text: str, message: Any) -> None:
        # Noted before it is sent: the answer may be faster than the return from sending.
        self.record(device, "server", message)
        device.ledger.sent(message, now_ms())
        device.runs.sent(message, now_ms())
        asked = commands.from_wire(message)
        if asked is not None and asked[1] == "configure" and not asked[3]:
            self._try(device, asked[2])
        self.changed()
        try:
            async with asyncio.timeout(_SEND_LIMIT_S):
                await link.send(text)
        except TimeoutError:
            raise DeviceError(f"{device.source_id!r} reads nothing", 504) from None
        except ConnectionError:
            raise DeviceError(f"{device.source_id!r} has just disconnected") from None


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _in_force(config: dict[str, Any]) -> dict[str, Any]:
    """What a sensor says of itself after this configure, as far as that can be known."""
    news = {key: config[key] for key in ("sample_rate", "prefix") if key in config}
    interval_ms = config.get("interval_ms")
    if isinstance(interval_ms, int | float) and is_number(interval_ms) and interval_ms > 0:
        news["sample_rate"] = 1000 / interval_ms
    return news


def _renamed(sensor: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """The news, with the names that a new prefix gives to the metrics."""
    before, after = sensor.get("prefix", ""), news.get("prefix", "")
    if "prefix" not in news or not isinstance(after, str):
        return news
    metrics = [after + name.removeprefix(before) for name in sensor.get("metrics", [])]
    return news | {"metrics": metrics}
