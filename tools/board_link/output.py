"""What a command tells: lines and progress for a person, or one JSON object for a script."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any


class Console:
    """as_json: say nothing but the object at the end. Errors go to stderr otherwise."""

    def __init__(self, as_json: bool = False):
        self.as_json = as_json

    def say(self, text: str) -> None:
        """A line for a person."""
        if not self.as_json:
            print(text, flush=True)

    @contextlib.contextmanager
    def progress(self, title: str, total: float) -> Iterator[Callable[[float], None]]:
        """A bar while the body runs, on a terminal; gives what advances it."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
        with Progress(*columns, console=Terminal(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=total)
            yield lambda amount: bar.advance(task, amount)

    def done(self, **facts: Any) -> int:
        """The end of what worked; returns the exit status 0."""
        if self.as_json:
            print(json.dumps({"ok": True, **facts}))
        return 0

    def failed(self, error: object, status: int = 1, **facts: Any) -> int:
        """The end of what did not, in words; returns the exit status: 1, or 2 for wrong use."""
        if self.as_json:
            print(json.dumps({"ok": False, "error": str(error), **facts}))
        else:
            print(error, file=sys.stderr)
        return status
