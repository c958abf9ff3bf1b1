"""The device of the demo: the example's program in a MicroPython process with a board's heap."""

import re
import subprocess
import threading
from pathlib import Path

from tools import build, micropython

HEAP = "288k"  # some 60 kB of it are the models of the chips
EXAMPLE = "simulated_sensors"
MODELS = build.REPOSITORY / "tests" / "models"
_STOP_S = 25
_SUMMARY = re.compile(r"sent (\d+), confirmed (\d+), dropped (\d+), rejected (\d+)")
_LATE = re.compile(r"sampled at most (\d+) ms late")
_PENDING = re.compile(r"(\d+) pending")


class Device:
    """Runs the example in `directory`, which gets its settings and the compiled library.

    `plexus` are the keywords of Plexus() in the settings. `status` is the last line printed.
    """

    def __init__(self, directory: Path, plexus: dict[str, object]) -> None:
        library = directory / "lib"
        build.compile_tree(build.LIBRARY, library, build.host_arch())
        build.compile_tree(MODELS, directory / "models", build.host_arch())
        board = build.REPOSITORY / "boards" / "simulated.json"
        (directory / "settings.py").write_text(f"PLEXUS = {plexus!r}\nBOARD = {str(board)!r}\n")
        self._lines: list[str] = []
        self._ending = False
        # In a session of its own, so that Ctrl-C does not reach it; it ends when its stdin does,
        # which is also what it sees of the end of this process.
        self._process = subprocess.Popen(
            micropython.command(EXAMPLE, heap=HEAP),
            cwd=directory,
            env=micropython.environment(directory, library, build.REPOSITORY / "examples"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="device", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.rstrip())
            del self._lines[:-200]

    @property
    def status(self) -> str:
        return self._lines[-1] if self._lines else "starting"

    @property
    def pending(self) -> int:
        found = _PENDING.search(self.status)
        return int(found[1]) if found else 0

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Let it flush and end; if that takes too long, end it."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()

    def kill(self) -> None:
        if self.running:
            self._process.kill()
        self._process.wait()

    def summary(self) -> dict[str, int] | None:
        """sent, confirmed, dropped, rejected and late_ms, as the program printed at its end."""
        text = "\n".join(self._lines)
        counts, late = _SUMMARY.search(text), _LATE.search(text)
        if counts is None or late is None:
            return None
        names = ("sent", "confirmed", "dropped", "rejected", "late_ms")
        return dict(zip(names, map(int, (*counts.groups(), late[1])), strict=True))

    def output(self) -> str:
        """Its last lines, for a person who wants to know why it ended."""
        return "\n".join(self._lines[-15:])
