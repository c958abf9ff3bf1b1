"""The record of crashes: what ended the program, how often in a row, and what the server knows.

crashes = Crashes()
crashes.start(machine.reset_cause())
crashes.safe         # True: three in a row came within a minute of their start
crashes.report()     # what to tell the server, until told()
"""

import gc

from plexus.port import const, load_once, ticks_diff, ticks_ms

_EARLY_MS = const(60000)
_SAFE_AFTER = const(3)
_REPORT_CHARS = const(256)  # the API's limit on strings
_MAX_BYTES = const(8192)  # of the file: a trace, each character of it escaped
_RESTART_MS = const(5000)

# machine's numbers, which are the same on every ESP32.
_HARD = const(2)
_WATCHDOG = const(3)
_DEEP_SLEEP = const(4)
_CAUSES = ("unknown", "power-on", "hard", "watchdog", "deep sleep", "soft")


class Crashes:
    """What is known of this run and of those before it, in the file `path`.

    cause: why the board started, in words. safe: whether this run is to be in safe mode.
    """

    def __init__(self, path="crash.json", ticks=ticks_ms):
        self._path = path
        self._ticks = ticks
        self.secrets = ()
        self._running = False
        self._started = ticks()
        self._row = 0
        self.cause = _CAUSES[0]
        self.safe = False
        # run: how far the program had come, "early", "late", or "" when it was stopped.
        # early: crashes in a row. what, trace: of the latest. told: the server knows of it.
        state = {"run": "", "early": 0, "what": "", "trace": "", "told": True}
        files = load_once(__name__, "atomic_json")
        try:
            found = files.load(path, _MAX_BYTES)
        except (OSError, ValueError):
            found = None  # none was written yet, or the flash has lost it
        if isinstance(found, dict):
            for key in state:
                if isinstance(found.get(key), type(state[key])):
                    state[key] = found[key]
        count = files.number()
        self._elsewhere = count > 0
        state["early"] = max(state["early"], count)
        self._state = state

    def start(self, cause):
        """A run begins; `cause` is machine.reset_cause().

        If the one before was not stopped, then a reset by the watchdog, or by the chip's panic,
        was its crash. Others are not: power fails, and people press buttons.
        """
        state = self._state
        self._started = self._ticks()
        self._running = True
        self.cause = _CAUSES[cause] if 0 <= cause < len(_CAUSES) else _CAUSES[0]
        before = state["run"]
        if before and cause in (_WATCHDOG, _HARD):
            self._crashed(before == "early", "no traceback: the program stood still", "")
        self._row = state["early"]
        self.safe = self._row >= _SAFE_AFTER
        # A wake from deep sleep leaves no mark: that would wear out the flash, night and day.
        mark = "" if cause == _DEEP_SLEEP else "early"
        if state["run"] != mark:
            state["run"] = mark
            self._store()

    def hide(self, secrets):
        """Keep these texts (a list of str) out of all that is kept, printed and sent."""
        self.secrets = list(secrets)

    def tick(self):
        """Call it now and then: it notes when the program has run for a minute."""
        state = self._state
        if not self._running or ticks_diff(self._ticks(), self._started) < _EARLY_MS:
            return
        self._running = False
        if state["run"] == "early" or state["early"]:
            state["run"] = "late" if state["run"] else ""
            state["early"] = 0
            self._store()

    def wake(self):
        """This run is one wake of a node that sleeps.

        A reset by the watchdog in it is told, and does not lead to safe mode: that would be
        awake. What is caught() counts as ever.
        """
        state = self._state
        if state["run"] == "early":
            state["run"] = "late"
            self._store()

    def stopped(self):
        """The program ends because it is to: call it before a reset or deep sleep of your own."""
        state = self._state
        self._running = False
        if state["run"] or state["early"]:
            state["run"] = ""
            state["early"] = 0
            self._store()

    def caught(self, error):
        """The program has ended with this exception."""
        gc.collect()
        self.tick()
        early = self._running
        self._running = False
        row = self._state["early"]
        try:
            # Loaded now, when what has filled the heap is gone.
            from .traceback_text import described

            self._crashed(early, *described(error, self.secrets))
            self._store()
        except Exception:  # noqa: BLE001 -- a MemoryError, or what another thread has made of it
            gc.collect()
            self._state["early"] = row  # it may be counted already
            self._crashed(early, type(error).__name__ + ": no memory for its traceback", "")
            self._store()

    def report(self):
        """What to tell the server of the latest crash (str, at most 256 characters), or None."""
        state = self._state
        if state["told"]:
            return None
        row = ", %d in a row" % self._row if self._row else ""
        if self.safe:
            row += ", safe mode"
        return ("crash, then %s reset%s: %s" % (self.cause, row, state["what"]))[:_REPORT_CHARS]

    def told(self):
        """The server has confirmed the report."""
        if not self._state["told"]:
            self._state["told"] = True
            self._store()

    @property
    def trace(self):
        """The latest crash's traceback, its last kilobyte; "" if there is none."""
        return self._state["trace"]

    @property
    def restart_ms(self):
        """How long to wait with a restart: the more crashes in a row, the longer."""
        return _RESTART_MS << min(max(self._state["early"] - 1, 0), 3)

    def _crashed(self, early, what, trace):
        state = self._state
        state["early"] = state["early"] + 1 if early else 0
        state["run"] = ""
        state["what"] = what
        state["trace"] = trace
        state["told"] = False

    def _store(self):
        files = load_once(__name__, "atomic_json")
        try:
            files.store(self._path, self._state)
            count = 0
        except OSError as error:
            print("plexus: %s cannot be written: %s" % (self._path, error))
            count = self._state["early"]
        if count or self._elsewhere:
            self._elsewhere = count > 0
            files.number(count)
