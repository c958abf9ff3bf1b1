"""Commands of version 1: runs, and what the server is told of each until it has it.

Loaded with the first one.
"""

import json

from ..port import const, ticks_diff
from .command_params import values_of
from .message import text_in

_ID = const(128)
_REMEMBERED = const(32)  # runs, so that none is run twice
_KEPT = const(32)  # statuses that the server has not acknowledged,
_RESULTS = const(8192)  # and so many characters of their results
_SMALL = const(256)  # a result that is kept for when the server asks once more
_PIECE = const(1024)
_MESSAGE = const(1024)
_LONGEST_S = const(3600)
_PROGRESS = "progress"


class _Record:
    # What is remembered of a run; `last` is its last status but for progress.
    def __init__(self, run_id):
        self.run_id = run_id
        self.seq = 0
        self.last = None
        self.waits = None  # (function, values, ticks of its arrival, ttl_ms), until it begins


class _Status:
    # What the server is told: its message is made when it goes out, and `sent` is then set.
    # result: JSON, or None.
    def __init__(self, record, state, fields, result):
        record.seq += 1
        self.run_id = record.run_id
        self.seq = record.seq
        self.state = state
        self.fields = fields
        self.result = result
        self.sent = False

    def text(self):
        """The message (str)."""
        message = {
            "type": "command_status",
            "run_id": self.run_id,
            "seq": self.seq,
            "state": self.state,
        }
        message.update(self.fields)
        text = json.dumps(message)
        if self.result is not None:
            text = '%s,"result":%s}' % (text[:-1], self.result)
        return text


class RunStatuses:
    """Runs commands for a server with version 1 of them, by `runs`; says statuses by `say`.

    A run's id is remembered, of the last 32, and its function called once. A status is kept until
    the server has acknowledged it, and said again on the next connection.
    """

    def __init__(self, px, commands, runs, say):
        self._px = px
        self._commands = commands
        self._runs = runs
        self._say = say
        self._records = []  # the oldest first
        self._kept = []  # statuses, the oldest first

    def connected(self):
        """Tell which runs there are, and what is not acknowledged."""
        runs = []
        for record in self._records:
            if record.last:
                about = {"run_id": record.run_id, "state": record.last.state, "seq": record.seq}
                runs.append(about)
        if runs:
            self._say({"type": "command_sync", "runs": runs})
        for status in self._kept:
            self._say(status)

    def acknowledged(self, message):
        """The server has what is up to a number of a run."""
        run_id = message.get("run_id")
        seq = message.get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int):
            raise ValueError("seq: give a whole number")
        for status in tuple(self._kept):
            if status.run_id == run_id and status.seq <= seq:
                self._kept.remove(status)
                if status.result is not None and len(status.result) > _SMALL:
                    status.result = None

    def start(self, message):
        """Do what a command_run asks, unless it was done before."""
        arrived = self._px.ticks_ms()
        run_id = text_in(message, "run_id", _ID)
        name = message.get("command")
        for record in self._records:
            if record.run_id == run_id:
                self._again(record)
                return
        record = self._remember(run_id)
        code = "unknown_command"
        try:
            if not isinstance(name, str):
                name = ""
            function, _, schemas, _ = self._commands.find(name)
            code = "bad_params"
            values = values_of(schemas, message.get("params"), {})
            code = "expired_on_arrival"
            ttl_ms = message.get("ttl_ms")
            if isinstance(ttl_ms, bool) or not isinstance(ttl_ms, (int, float)):
                ttl_ms = None
            if ttl_ms is not None and not ttl_ms > 0:
                raise ValueError("it had %s ms left when it came" % (ttl_ms,))
            code = "busy"
            self._runs.admit(run_id, name, None, _LONGEST_S, self)
        except ValueError as exc:
            self._fail(record, code, str(exc))
            return
        waits = function, values, arrived, ttl_ms
        record.waits = waits  # pyright: ignore[reportAttributeAccessIssue]
        self._tell(record, "acknowledged")

    def collect(self, run):
        """Let a run begin that is acknowledged; tell what one has put out, and how it ended."""
        record = [record for record in self._records if record.run_id == run.ident][0]
        if record.waits:
            self._begin(run, record)
        while run.waiting:
            self._tell(record, _PROGRESS, {"message": run.waiting[:_PIECE]})
            run.waiting = run.waiting[_PIECE:]
        if run.lost:
            words = "[%d characters are missing: too many at once]" % run.lost
            self._tell(record, _PROGRESS, {"message": words})
            run.lost = 0
        if run.event == "exit":
            result = run.result
            if result is None or result == "null":
                result = "{}"
            elif result[:1] != "{":
                result = '{"value":%s}' % result
            fields = {}
            if run.message:
                result = None
                fields["message"] = run.message
            self._tell(record, "succeeded", fields, result)
        elif run.event and not (record.last and record.last.state == "failed"):
            words = run.message
            if run.event == "timeout":
                words = "stopped after %d s" % run.limit_s
            self._fail(record, "cancelled" if run.stopped else "handler_error", words)

    def _begin(self, run, record):
        # Not before the server has been told that it is acknowledged: a function may take long,
        # or restart the board.
        function, values, arrived, ttl_ms = record.waits
        if run.stopped:
            run.end("error", "cancelled")
        elif ttl_ms is not None and ticks_diff(self._px.ticks_ms(), arrived) >= ttl_ms:
            run.end("error")
            self._fail(record, "expired_on_arrival", "it could not begin within %s ms" % ttl_ms)
        elif not record.last.sent:
            return
        else:
            self._tell(record, "running")
            self._runs.begin(run, function, values)
        record.waits = None

    def _again(self, record):
        # The server asks once more: it is told how things stand, by a new number.
        last = record.last
        if last is None:  # there was no memory to say so
            self._fail(record, "duplicate", "this run came before, and is handled once")
        else:
            self._tell(record, last.state, last.fields, last.result)

    def _remember(self, run_id):
        records = self._records
        for record in tuple(records):
            if len(records) < _REMEMBERED:
                break
            if not record.last or record.last.state in ("succeeded", "failed"):
                records.remove(record)
        record = _Record(run_id)
        records.append(record)
        return record

    def _fail(self, record, code, words):
        fields = {"error_code": code, "error_message": words[:_MESSAGE]}
        self._tell(record, "failed", fields)

    def _tell(self, record, state, fields=None, result=None):
        status = _Status(record, state, fields or {}, result)
        if state != _PROGRESS:
            record.last = status
        kept = self._kept
        kept.append(status)
        if len(kept) > _KEPT:
            # News of what goes on is the first to be forgotten.
            news = [other for other in kept if other.state == _PROGRESS]
            kept.remove((news or kept)[0])
        size = sum([len(other.result or "") for other in kept])
        for other in kept:
            if size <= _RESULTS:
                break
            size -= len(other.result or "")
            other.result = None
        self._say(status)
