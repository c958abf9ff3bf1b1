"""What the dashboard asks of a device, in both forms of its messages, and what it is answered."""

import json

from ..port import const
from .kinds import KINDS
from .message import refused, text_in, whole_in
from .streams import stream_of

_ID = const(128)
_NAME = const(256)
_COMMAND = const(1024)
_MAX_MESSAGE = const(200)
_LIMIT_S = const(300)
_LONGEST_S = const(3600)

# What a bare one of those is answered; the rest is not.
_CONFIRMED = {
    "start_session": "session_started",
    "stop_session": "session_stopped",
    "ping": "pong",
}
# Of version 1, which have no other form.
_RUNS = ("command_run", "command_status_ack")
_UNNAMED = "unnamed"
_OURS = "session:"  # a session's stream has a name that no other can have


class _Ask:
    # One wish, whichever form it came in: `fields` are its own; `typed` is the id of a typed one.
    def __init__(self, kind, fields, typed=None):
        self.kind = kind
        self.fields = fields
        self.typed = typed


class Dispatcher:
    """Does what messages ask, with streams, sessions, sensors and commands; answers by `say`.

    An answer is a dict; or JSON text if it is a command's, which outlives the connection.
    errors: how many were refused. alias: another id of this device, by which the server knows it.
    tells: the server knows `output`, `session_started` and `session_stopped`. Where it does not,
    what a command puts out is a part of its result. protocol: the version of commands that the
    server runs, 0 if it has none.
    """

    def __init__(self, px, sampler, live, commands, say):
        self.errors = 0
        self.alias = None
        self.tells = True
        self.protocol = 0
        self._px = px
        self._sampler = sampler
        self._live = live
        self._commands = commands
        self._say = say
        self._runs = None  # made with the first command that is to run,
        self._statuses = None  # with the first of version 1,
        self._recording = None  # and with the first session
        self._unnamed = None  # the id of the stream that was asked for without one
        self._failing = set()  # names of sensors that were last said to fail

    @property
    def session_id(self):
        """That of the session which the dashboard has started, or None."""
        return self._recording and self._recording.session_id

    def handle(self, message):
        """Do what a message (dict) from the server asks. Raises nothing for what is in it."""
        kind = message.get("type")
        ask = _Ask(kind, message)
        try:
            if kind == "typed_command":
                typed = text_in(message, "id", _ID)
                fields = message.get("params")
                ask = _Ask(text_in(message, "command", _ID), {} if fields is None else fields)
                ask.typed = typed
            if self._for_another(message) or self._for_another(ask.fields):
                return
            if ask.typed:
                self._acknowledge(ask)
                if not isinstance(ask.fields, dict):
                    raise ValueError("params: no object; give one, such as {}")
            result = self._do(ask)
            if result is None:
                return
            if ask.typed:
                self._result(ask, "result", "result", result)
            elif kind in _CONFIRMED and (self.tells or kind == "ping"):
                answer = {"type": _CONFIRMED[kind]}
                answer.update(result)
                self._say(answer)
        except (ValueError, MemoryError, RuntimeError) as exc:  # RuntimeError: nested too deep
            self._refuse(ask, str(exc) or "out of memory")

    def complain(self, problem):
        """Count a message that makes no sense, and say why."""
        self.errors += 1
        self._tell("agent", problem, "warning")

    def connected(self):
        """The server knows this device: tell it what is going on."""
        self._failing.clear()
        self._follow_session()
        if self.session_id is not None and self.tells:
            self._say(self._about_session("session_started"))
        if self._statuses and self.protocol:
            self._statuses.connected()
        self.check()

    def disconnected(self):
        """The streams have ended."""
        self._wake()

    def stopped(self):
        """All is over: so are the commands."""
        if self._runs:
            self._runs.cancel()

    def check(self):
        """Tell of what has changed by itself: sensors that fail or are well, an ended session."""
        self._follow_session()
        failing = self._failing
        for channel in self._sampler.channels if self._sampler else ():
            name = channel.name
            if channel.failures:
                if name not in failing:
                    failing.add(name)
                    self._tell(name, channel.status, "warning")
            elif name in failing and channel.status == "ok":  # and not "starting", or "idle"
                failing.remove(name)
                self._tell(name, "ok", "info")
        self._wake()

    def collect(self):
        """Say what commands have put out, and which have ended."""
        if self._runs:
            self._runs.collect(self.tells)

    def _for_another(self, fields):
        source_id = fields.get("source_id") if isinstance(fields, dict) else None
        return isinstance(source_id, str) and source_id not in (self._px.source_id, self.alias)

    def _do(self, ask):
        # The result of what is asked (dict), None if that comes later.
        if ask.kind in KINDS:
            return getattr(self, "_" + ask.kind)(ask)
        if ask.typed and ask.kind in self._commands:
            return self._execute(ask)
        if self.protocol and not ask.typed and ask.kind in _RUNS:
            return self._run(ask)
        name = "command" if ask.typed else "type"
        raise refused(name, ask.kind, "one of: " + ", ".join(KINDS))

    def _acknowledge(self, ask):
        ack = {"type": "command_result", "id": ask.typed, "command": ask.kind, "event": "ack"}
        # What a command has to say comes from command_runs.py as text, and this is its beginning.
        runs = ask.kind == "execute" or ask.kind in self._commands
        self._say(json.dumps(ack) if runs else ack)

    def _result(self, ask, event, name, value):
        answer = {"type": "command_result", "id": ask.typed, "command": ask.kind, "event": event}
        answer[name] = value
        self._say(answer)

    def _refuse(self, ask, problem):
        self.errors += 1
        problem = problem[:_MAX_MESSAGE]
        source = ask.kind
        if ask.typed:
            self._result(ask, "error", "error", problem)
            return
        if source == "execute":
            try:
                ident = text_in(ask.fields, "id", _ID)
                answer = {"type": "output", "id": ident, "event": "error", "error": problem}
                if not self.tells:
                    answer["type"] = "command_result"
                    answer["command"] = source
                self._say(answer)
                return
            except ValueError:
                pass
        elif source == "configure":
            source = ask.fields.get("sensor")
            if not isinstance(source, str) or not 0 < len(source) <= _NAME:
                source = "configure"
        elif source not in KINDS and source != "typed_command":
            source = "agent"
        self._tell(source, problem, "warning")

    def _tell(self, source, problem, severity):
        message = {
            "type": "device_error",
            "source_id": self._px.source_id,
            "source": source,
            "error": problem[:_MAX_MESSAGE],
            "severity": severity,
        }
        now_ms = self._px.clock.now_ms()
        if now_ms is not None:
            message["timestamp"] = now_ms
        self._say(message)

    def _stream_id(self, ask, default=None):
        # The stream that is meant; the documented server says id, the current one stream_id.
        name = "id" if ask.fields.get("stream_id") is None else "stream_id"
        if default is not None and ask.fields.get(name) is None:
            return default
        stream_id = text_in(ask.fields, name, _ID)
        if stream_id.startswith(_OURS):
            raise refused(name, stream_id, "one that does not begin with " + _OURS)
        return stream_id

    def _start_stream(self, ask):
        # Who gives no id means this one in place of the one before: the command's own id is a new
        # one each time, and the streams would add up until there are no more.
        given = self._stream_id(ask, "")
        stream = stream_of(ask.fields, given or ask.typed or _UNNAMED)
        self._live.start(stream, None if given else self._unnamed)
        if not given:
            self._unnamed = stream.id
        self._wake()
        return {"id": stream.id, "interval_ms": stream.interval_ms, "store": stream.store}

    def _stop_stream(self, ask):
        stream_id = self._stream_id(ask, "*")
        result = {"stopped": self._live.stop(stream_id)}
        if not result["stopped"] and stream_id != "*":
            result["streams"] = [s.id for s in self._live.streams if not s.session]
        self._wake()
        return result

    def _start_session(self, ask):
        recording = self._recording
        if recording is None:
            from .recording import Recording

            recording = self._recording = Recording(self._px, self._live)
        self._follow_session()
        recording.start(ask.fields, _OURS + str(ask.fields.get("session_id")))
        self._wake()
        return self._about_session()

    def _stop_session(self, ask):
        self._follow_session()
        if self._recording is None:
            raise refused("session_id", ask.fields.get("session_id"), "that of one that records")
        session_id = self._recording.stop(ask.fields)
        self._wake()
        return {"session_id": session_id}

    def _about_session(self, kind=None):
        about = {"type": kind} if kind else {}
        about.update(self._recording.about())
        return about

    def _follow_session(self):
        # The program may have ended it.
        session_id = self._recording and self._recording.forget_if_ended()
        if session_id is not None:
            if self.tells:
                self._say({"type": "session_stopped", "session_id": session_id})
            self._wake()

    def _configure(self, ask):
        name = text_in(ask.fields, "sensor", _NAME)
        config = ask.fields.get("config")
        channel = self._sampler.find(name) if self._sampler else None
        if channel is None:
            names = [channel.name for channel in self._sampler.channels] if self._sampler else ()
            raise refused("sensor", name, "one of: " + ", ".join(names))
        from ..sensors.sampling.configure import configure

        try:
            result = configure(channel, config)
        except (ValueError, MemoryError):
            raise
        except Exception as exc:  # noqa: BLE001 -- of whoever wrote the driver, and its close()
            raise ValueError("config: %s: %s" % (type(exc).__name__, exc))
        result["metrics"] = channel.metrics  # a new prefix has renamed them
        self._wake()
        return result

    def _execute(self, ask):
        fields = ask.fields
        ident = ask.typed or text_in(fields, "id", _ID)
        if ask.kind == "execute":
            text = text_in(fields, "command", _COMMAND)
            params = fields.get("params")
        else:
            text = ask.kind
            params = fields
        limit_s = whole_in(fields, "timeout_seconds", 1, _LONGEST_S, _LIMIT_S)
        self._have_runs()
        typed = ask.kind if ask.typed else None
        self._runs.start(ident, text, params, limit_s, typed, self.tells)

    def _have_runs(self):
        if self._runs is None:
            from .command_runs import CommandRuns

            self._runs = CommandRuns(self._px, self._commands, self._say)

    def _run(self, ask):
        if self._statuses is None:
            from .run_statuses import RunStatuses

            self._have_runs()
            self._statuses = RunStatuses(self._px, self._commands, self._runs, self._say)
            self._statuses.connected()
        if ask.kind == _RUNS[0]:
            self._statuses.start(ask.fields)
        else:
            self._statuses.acknowledged(ask.fields)

    def _cancel(self, ask):
        ident = None
        if ask.fields.get("id") is not None:
            ident = text_in(ask.fields, "id", _ID)
        count = self._runs.cancel(ident) if self._runs else 0
        if ident and not count:
            raise refused("id", ident, "that of a command that runs")
        return {"cancelled": count}

    def _ping(self, _):
        return {}

    def _wake(self):
        # Have sensors that are read on demand read while somebody wants to see them.
        for channel in self._sampler.channels if self._sampler else ():
            if channel.on_demand:
                client = self._live if self._wanted(channel) else None
                if channel.client is not client:
                    channel.wake(client)

    def _wanted(self, channel):
        for stream in self._live.streams:
            if not stream.metrics or not channel.metrics:  # of all; or not known yet
                return True
            for metric in channel.metrics:
                if stream.wants(metric):
                    return True
        return False
