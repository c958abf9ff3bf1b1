"""Commands that run: as tasks, with limits on their number, their time and what they put out.

Loaded with the first one.
"""

import asyncio
import json

from ..port import const, ticks_diff
from ..readings.compound import compound_text
from .command_params import split_command, values_of

_RUNNING = const(4)
_PIECE = const(1024)
_OUTPUT = const(4096)
_MAX_MESSAGE = const(200)
_CHECK_S = 0.25


async def _nothing():
    pass


_coroutine = _nothing()
_Coroutine = type(_coroutine)
_coroutine.close()


class _Run:
    # A command that runs: `typed` is what a typed command is called in its answers, else None.
    # teller: who says what becomes of it, in place of CommandRuns.
    def __init__(self, ident, name, typed, limit_s, teller=None):
        self.ident = ident
        self.name = name
        self.typed = typed
        self.teller = teller
        self.limit_s = limit_s
        self.task = None
        self.attendant = None  # the task that ends it
        self.stopped = None  # the event that says why it was
        self.event = None  # how it has ended: "exit", "error", "timeout"
        self.message = ""
        self.result = None  # JSON
        self.waiting = ""
        self.lost = 0  # characters for which there was no room

    def out(self, text):
        """Show a text; bounded, as it may come faster than the network takes it."""
        text = str(text)
        room = max(_OUTPUT - len(self.waiting), 0)
        self.waiting += text[:room]
        self.lost += max(len(text) - room, 0)

    def end(self, event, message=""):
        if self.event is None:
            self.event = event
            self.message = message[:_MAX_MESSAGE]


class CommandRuns:
    """The commands that run: at most 4. What they say, by `say`, is JSON text."""

    def __init__(self, px, commands, say):
        self.running = []
        self._px = px
        self._commands = commands
        self._say = say

    def start(self, ident, text, params, limit_s, typed, tells):
        """Run `text`: a name, and key=value behind it, beside `params` (a dict or None).

        tells: see Dispatcher.
        """
        name, texts = split_command(text)
        function, _, schemas, _ = self._commands.find(name)
        values = values_of(schemas, params, texts)
        run = self.admit(ident, name, typed, limit_s)
        try:
            if tells:
                self._output(run, "start", "command", text)
            self.begin(run, function, values)
        except MemoryError:
            self.running.remove(run)
            raise

    def admit(self, ident, name, typed, limit_s, teller=None):
        """A run of this command, which counts from now on; ValueError if there is no room."""
        alone = self._commands.find(name)[3].get("concurrency") == "reject"
        for run in self.running:
            if run.ident == ident:
                raise ValueError("id: %r runs already; give another" % ident[:40])
            if alone and run.name == name:
                raise ValueError("command: %s runs already; wait for it, or cancel" % name)
        if len(self.running) >= _RUNNING:
            raise ValueError("command: %d run already; wait for one, or cancel" % _RUNNING)
        run = _Run(ident, name, typed, limit_s, teller)
        self.running.append(run)
        return run

    def begin(self, run, function, values):
        """Let it run."""
        run.attendant = asyncio.create_task(self._attend(run, function, values))

    def cancel(self, ident=None):
        """Cancel the one with this id, or all; returns how many."""
        count = 0
        for run in self.running:
            if ident in (None, run.ident) and run.event is None:
                count += 1
                run.stopped = run.stopped or "error"
                if run.task:
                    run.task.cancel()
        return count

    def collect(self, tells):
        """Say what has been put out, and what has ended; `tells`: see Dispatcher."""
        for run in self.running and tuple(self.running):
            if run.teller:
                run.teller.collect(run)
                if run.event:
                    self.running.remove(run)
                continue
            while tells and run.waiting:
                self._output(run, "data", "data", run.waiting[:_PIECE])
                run.waiting = run.waiting[_PIECE:]
            if run.lost and (tells or run.event):
                message = "\n[%d characters are missing: too many at once]\n" % run.lost
                if tells:
                    self._output(run, "data", "data", message)
                else:
                    run.waiting += message
                run.lost = 0
            if run.event:
                self._finish(run, tells)
                self.running.remove(run)

    async def _attend(self, run, function, values):
        # Ends it when its time is over, whatever becomes of the connection. A task may not heed
        # that it is cancelled (in MicroPython at times it cannot), so it is told until it ends.
        began = self._px.ticks_ms()
        try:
            if run.stopped is None:
                run.task = asyncio.create_task(self._run(run, function, values))
        except MemoryError:
            run.end("error", "out of memory")
        while run.task and not run.task.done():
            await asyncio.sleep(_CHECK_S)
            if ticks_diff(self._px.ticks_ms(), began) >= run.limit_s * 1000:
                run.stopped = run.stopped or "timeout"
            if run.stopped:
                run.task.cancel()
        run.end(run.stopped or "error", "cancelled")  # it had not begun

    async def _run(self, run, function, values):
        try:
            result = function(run.out, **values)
            if isinstance(result, _Coroutine):
                result = await result
            if run.stopped is None:
                words = ""
                try:
                    run.result = _json(result)
                except ValueError as exc:
                    if not run.teller:
                        raise
                    words = str(exc)
                run.end("exit", words)
        except asyncio.CancelledError:
            pass
        except Exception as exc:  # noqa: BLE001 -- of whoever wrote the command
            run.end("error", "%s: %s" % (type(exc).__name__, exc))
        finally:
            run.end(run.stopped or "error", "cancelled")

    def _finish(self, run, tells):
        message = run.message
        if run.event == "timeout":
            message = "stopped after %d s" % run.limit_s
        if tells and run.event == "exit":
            self._output(run, "exit", "code", 0)
        elif tells:
            self._output(run, run.event, "error", message)
        if run.typed or not tells:
            answer = {"type": "command_result", "id": run.ident, "command": run.typed or "execute"}
            answer["event"] = "error"
            more = ',"output":' + json.dumps(run.waiting) if run.waiting else ""
            if run.event != "exit":
                answer["error"] = message
                more = "%s%s}" % (json.dumps(answer)[:-1], more)
            else:
                answer["event"] = "result"
                # The result is JSON already.
                more = '%s,"result":{"code":0,"result":%s%s}}' % (
                    json.dumps(answer)[:-1],
                    run.result,
                    more,
                )
            self._say(more)

    def _output(self, run, event, name, value):
        self._say(json.dumps({"type": "output", "id": run.ident, "event": event, name: value}))


def _json(result):
    # What a command returned as JSON (str); ValueError if it has none, or of over 4 kB.
    if result is None:
        return "null"
    try:
        return str(compound_text(result), "utf-8")
    except ValueError as exc:
        raise ValueError("the result's " + str(exc))
