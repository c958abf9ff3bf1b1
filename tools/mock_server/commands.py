"""Commands to a device: their two forms on the wire, and whether each was answered rightly."""

import secrets
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from tools.mock_server.profiles import Profile

KINDS = (
    "start_stream", "stop_stream", "start_session", "stop_session", "configure", "execute",
    "cancel", "ping",
)  # fmt: skip
_WITH_ID = ("start_stream", "stop_stream", "execute", "cancel")
_KEPT = 1000
_KEPT_SESSIONS = 64
_KEPT_CLAIMS = 64
_LAST_EVENTS = ("exit", "error", "timeout")


@dataclass
class Command:
    """One command that was sent. `state`: "sent", "acked", "done" or "failed"."""

    id: str
    command: str
    params: dict[str, Any]
    typed: bool
    sent_ms: int
    state: str = "sent"
    # Of a command that runs: None, "start" or "end".
    output: str | None = None
    # The number of the connection on which it was last spoken of.
    connection: int = 0
    # Nothing more is expected of it; what comes all the same is no fault.
    given_up: bool = False

    @property
    def runs(self) -> bool:
        return self.command == "execute" or self.command not in KINDS

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to come. Most bare commands have none with their id."""
        if self.given_up:
            return False
        if self.typed:
            return self.state in ("sent", "acked") or self.output == "start"
        return self.runs and self.output != "end"

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "command": self.command, "state": self.state}


def fill(command: str, params: dict[str, Any], session: dict[str, Any] | None) -> dict[str, Any]:
    """The parameters with what the server adds: a new session's id and name, the one to stop."""
    filled = dict(params)
    if command == "start_session":
        now = time.gmtime()
        made_up = f"session-{time.strftime('%Y%m%d-%H%M%S', now)}-{secrets.token_hex(3)}"
        filled.setdefault("session_id", made_up)
        filled.setdefault("session_name", time.strftime("Session of %Y-%m-%d %H:%M:%S UTC", now))
    elif command == "stop_session" and "session_id" not in filled and session is not None:
        filled["session_id"] = session["session_id"]
    return filled


def to_wire(
    command: str, params: dict[str, Any], source_id: str, profile: Profile
) -> tuple[str, dict[str, Any]]:
    """The command's id and its message, in the wrapped or the bare form."""
    if profile.typed_commands:
        command_id = str(uuid.uuid4())
        params = dict(params)
        if command == "start_stream" and not profile.stream_ids:
            params.pop("id", None)
        if command == "stop_stream" and "id" in params:
            params["stream_id"] = params.pop("id")
        message = {
            "id": command_id,
            "command": command,
            "params": {"source_id": source_id} | params,
        }
        return command_id, {"type": "typed_command"} | message
    if command not in KINDS:
        # What a device's owner registered has no bare message of its own.
        command, params = "execute", {"command": command, "params": params}
    message = {"type": command, "source_id": source_id} | params
    command_id = str(uuid.uuid4())
    if command in ("start_stream", "execute"):
        message.setdefault("id", command_id)
        command_id = str(message["id"])
    return command_id, message


def from_wire(message: Any) -> tuple[str, str, dict[str, Any], bool] | None:
    """(id, command, params, typed) of a message that is a command, else None.

    The id is that by which the device is to answer, "" if there is none.
    """
    if not isinstance(message, dict):
        return None
    kind, command_id = message.get("type"), message.get("id")
    if kind == "typed_command":
        command, params = message.get("command"), message.get("params", {})
        if not isinstance(command_id, str) or not isinstance(command, str):
            return None
        return command_id, command, params if isinstance(params, dict) else {}, True
    if kind not in KINDS:
        return None
    params = {name: value for name, value in message.items() if name not in ("type", "source_id")}
    return command_id if isinstance(command_id, str) else "", kind, params, False


@dataclass
class _Recording:
    """A session that was asked for, or that the device began itself.

    metrics: None for all. started_ms: None until the device has said so.
    """

    metrics: set[str] | None
    started_ms: int | None = None


@dataclass
class _Claim:
    """A bare stream: no answer says that it runs, only telemetry that nothing else explains.

    metrics: those asked for, None for all. explained: those that were asked for before.
    """

    metrics: set[str] | None
    explained: set[str]

    def is_proven_by(self, names: set[str]) -> bool:
        return not names & self.explained and (self.metrics is None or bool(names & self.metrics))


@dataclass
class Ledger:
    """What was asked of one device, and whether its answers fit.

    Each method for a message returns what is wrong with it, in words.
    """

    stream_ids: bool = True
    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    session: dict[str, Any] | None = None
    _commands: OrderedDict[str, Command] = field(default_factory=OrderedDict)
    # Over the whole connection: what was in flight when a stream was stopped is no fault.
    _asked_all: bool = False
    _asked: set[str] = field(default_factory=set)
    _pings: int = 0
    _stopped_sessions: set[str] = field(default_factory=set)
    _confirmed: set[str] = field(default_factory=set)
    # By the stream's id, also of stopped ones: their refusal may be under way.
    _claims: dict[str, _Claim] = field(default_factory=dict)
    # Over all connections, as a session goes on without one.
    _recordings: dict[str, _Recording] = field(default_factory=dict)
    _connection: int = 0

    def connected(self) -> None:
        """A new connection: no stream lives on, and sessions are announced again."""
        self._connection += 1
        self.streams.clear()
        self._claims.clear()
        self.session = None
        self._asked_all, self._pings = False, 0
        for names in (self._asked, self._stopped_sessions, self._confirmed):
            names.clear()

    def open_commands(self) -> list[Command]:
        return [command for command in self._commands.values() if command.is_open]

    def give_up(self, sent_before_ms: int) -> list[Command]:
        """Close what earlier connections left open, sent before then; returns what that was."""
        lost = [
            command
            for command in self.open_commands()
            if command.connection < self._connection and command.sent_ms < sent_before_ms
        ]
        for command in lost:
            command.given_up = True
        return lost

    def get(self, command_id: str) -> Command | None:
        return self._commands.get(command_id)

    def sent(self, message: Any, now_ms: int) -> None:
        """Note what a message to the device asks of it; anything that is no command is nothing."""
        asked = from_wire(message)
        if asked is None:
            return
        command_id, command, params, typed = asked
        if typed or (command == "execute" and command_id):
            self._commands[command_id] = Command(
                command_id, command, params, typed, now_ms, connection=self._connection
            )
            if len(self._commands) > _KEPT:
                self._commands.popitem(last=False)
        if command == "start_stream":
            own_id = str(params.get("id", params.get("stream_id", command_id)))
            if not typed:
                self._claim(own_id, params)
            self._ask(_metrics_of(params))
            if not self.stream_ids:
                self.streams.clear()
            self.streams[own_id] = {
                "id": own_id,
                "metrics": params.get("metrics") or [],
                "interval_ms": params.get("interval_ms", 0),
                "store": bool(params.get("store", False)),
                "started_ms": now_ms,
            }
        elif command == "stop_stream":
            own_id = params.get("stream_id", params.get("id", "*"))
            if own_id == "*" or not self.stream_ids:
                self.streams.clear()
            else:
                self.streams.pop(str(own_id), None)
        elif command == "start_session":
            session_id, metrics = str(params.get("session_id")), _metrics_of(params)
            self._ask(metrics)
            self._confirmed.discard(session_id)
            session = self.session or {"session_id": None, "started_ms": None}
            runs = session["session_id"] == session_id
            self._remember(session_id, metrics, session["started_ms"] if runs else None)
        elif command == "stop_session":
            self._stopped_sessions.add(str(params.get("session_id")))
        elif command == "ping":
            self._pings += 1

    def refused(self, kind: str) -> None:
        """A bare command was refused. The words do not tell its id: the youngest without proof."""
        if kind == "start_stream" and self._claims:
            stream_id, _ = self._claims.popitem()
            self.streams.pop(stream_id, None)
        elif kind == "start_session":
            waiting = [name for name, kept in self._recordings.items() if kept.started_ms is None]
            if waiting:
                del self._recordings[waiting[-1]]

    def telemetry(self, message: dict[str, Any], source_id: str) -> list[str]:
        metrics = {point["metric"] for point in message["points"]}
        if self._claims:
            names = [{metric, f"{source_id}:{metric}"} for metric in metrics]
            for stream_id, claim in tuple(self._claims.items()):
                if any(claim.is_proven_by(pair) for pair in names):
                    del self._claims[stream_id]
        if self._asked_all:
            return []
        strange = metrics - self._asked
        strange = {name for name in strange if f"{source_id}:{name}" not in self._asked}
        if not strange:
            return []
        return ["telemetry that no stream asked for: " + ", ".join(sorted(strange)[:5])]

    def session_started(self, message: dict[str, Any], now_ms: int) -> list[str]:
        session_id = message["session_id"]
        again = session_id in self._confirmed
        self._confirmed.add(session_id)
        self._enter(session_id, message.get("session_name", ""), now_ms)
        return [f"session_started twice for {session_id!r}"] if again else []

    def session_stopped(self, message: dict[str, Any]) -> list[str]:
        session_id = message["session_id"]
        active = self.session is not None and self.session["session_id"] == session_id
        if active:
            self.session = None
        self._confirmed.discard(session_id)
        self._recordings.pop(session_id, None)
        if not active and not self._stopped_sessions & {session_id, "None"}:
            return [f"session_stopped for {session_id!r}, which was not active"]
        return []

    def pong(self) -> list[str]:
        if not self._pings:
            return ["pong without a ping"]
        self._pings -= 1
        return []

    def output(self, message: dict[str, Any]) -> list[str]:
        event, command = message["event"], self._commands.get(message["id"])
        if command is None or not command.runs:
            return [f"output for {message['id']!r}, which is no command that runs"]
        carried_over = self._spoken_of(command)
        before = command.output
        if before == "end":
            return [f"output {event} after the end of {command.command!r}"]
        command.output = "end" if event in _LAST_EVENTS else "start"
        if event == "start" and before is not None:
            return [f"output start twice for {command.command!r}"]
        if event in ("data", "exit") and before is None and not carried_over:
            return [f"output {event} before start for {command.command!r}"]
        if not command.typed and command.output == "end":
            command.state = "done" if event == "exit" else "failed"
        return []

    def command_result(self, message: dict[str, Any], now_ms: int) -> list[str]:
        event, command = message["event"], self._commands.get(message["id"])
        if command is None or not command.typed:
            return [f"command_result for {message['id']!r}, which is no typed command"]
        carried_over = self._spoken_of(command)
        wrong = []
        if message["command"] != command.command:
            wrong.append(f"command_result says {message['command']!r} of {command.command!r}")
        if event == "ack":
            if command.state != "sent":
                return [*wrong, f"command_result ack twice or late for {command.command!r}"]
            command.state = "acked"
            return wrong
        if command.state == "sent" and not carried_over:
            wrong.append(f"command_result {event} without ack for {command.command!r}")
        elif command.state not in ("sent", "acked"):
            return [*wrong, f"command_result {event} after the last one for {command.command!r}"]
        command.state = "done" if event == "result" else "failed"
        if command.command == "start_stream" and event == "error":
            params = command.params
            self.streams.pop(str(params.get("id", params.get("stream_id", command.id))), None)
        elif event == "result":
            self._apply(command, now_ms)
        return wrong

    def _spoken_of(self, command: Command) -> bool:
        """Note that the device answers; returns whether this command is of an earlier connection.

        What the device sent while the server was closing that one was not read, so its first
        answers may be missing through no fault of the device.
        """
        carried_over = command.connection != self._connection
        command.connection = self._connection
        command.given_up = False
        return carried_over

    def _apply(self, command: Command, now_ms: int) -> None:
        session_id = command.params.get("session_id")
        if command.command == "start_session" and isinstance(session_id, str):
            if self.session is None or self.session["session_id"] != session_id:
                self._enter(session_id, str(command.params.get("session_name", "")), now_ms)
        elif command.command == "stop_session":
            if self.session is not None:
                self._recordings.pop(self.session["session_id"], None)
            self.session = None

    def _enter(self, session_id: str, name: str, now_ms: int) -> None:
        kept = self._recordings.get(session_id)
        if kept is None:
            kept = self._remember(session_id, None)
        if kept.started_ms is None:
            kept.started_ms = now_ms
        self._ask(kept.metrics)
        if self.session is not None and self.session["session_id"] == session_id:
            self.session["session_name"] = name or self.session["session_name"]
            return
        self.session = {
            "session_id": session_id,
            "session_name": name,
            "started_ms": kept.started_ms,
        }

    def _remember(
        self, session_id: str, metrics: set[str] | None, started_ms: int | None = None
    ) -> _Recording:
        self._recordings.pop(session_id, None)
        if len(self._recordings) >= _KEPT_SESSIONS:
            del self._recordings[next(iter(self._recordings))]
        kept = self._recordings[session_id] = _Recording(metrics, started_ms)
        return kept

    def _claim(self, stream_id: str, params: dict[str, Any]) -> None:
        self._claims.pop(stream_id, None)
        if len(self._claims) >= _KEPT_CLAIMS:
            del self._claims[next(iter(self._claims))]
        metrics = _metrics_of(params)
        if self._asked_all:
            metrics = set()  # whatever comes may be of another one
        self._claims[stream_id] = _Claim(metrics, set(self._asked))

    def _ask(self, metrics: set[str] | None) -> None:
        if metrics is None:
            self._asked_all = True
        else:
            self._asked |= metrics


def _metrics_of(params: dict[str, Any]) -> set[str] | None:
    """The metrics that a stream or session is for; None for all."""
    metrics = params.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        return None
    return {metric for metric in metrics if isinstance(metric, str)}
