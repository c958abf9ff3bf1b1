"""What the device has written down: readings, sessions, requests that timed out, memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_THREADS = ("main", "numbers", "texts")


@dataclass(frozen=True)
class Sent:
    """One reading that send() took; in epoch ms from when to when, and in which session then."""

    metric: str
    serial: int
    began_ms: int
    ended_ms: int
    sessions: frozenset[str | None]


@dataclass(frozen=True)
class SessionEvent:
    """A session's "start" or "end"."""

    what: str
    session_id: str
    began_ms: int
    ended_ms: int


@dataclass(frozen=True)
class Rejection:
    """So many readings were given up, the last of them of this metric, for this reason."""

    count: int
    metric: str | None
    message: str | None


class Journal:
    """What the device wrote of one client, `source_id`."""

    def __init__(self, directory: Path, source_id: str) -> None:
        def lines(name: str) -> Iterator[list[str]]:
            text = (directory / f"{source_id}.{name}").read_text(encoding="utf-8")
            return (line.split(" ") for line in text.splitlines())

        self.sent = [
            Sent(
                metric,
                int(serial),
                int(began),
                int(ended),
                frozenset(None if name == "-" else name for name in (before, after)),
            )
            for thread in _THREADS
            for metric, serial, began, ended, before, after in lines(thread)
        ]
        self.sessions = [
            SessionEvent(what, session_id, int(began), int(ended))
            for what, session_id, began, ended in lines("sessions")
        ]
        # (from, to) in epoch ms, of requests that got no answer
        self.waits = [(int(words[0]), int(words[1])) for words in lines("waits")]
        text = (directory / f"{source_id}.rejections").read_text(encoding="utf-8")
        self.rejections = [
            Rejection(count, *(found or (None, None)))
            for count, found in map(json.loads, text.splitlines())
        ]


def memory(directory: Path) -> list[tuple[int, int]]:
    """(epoch ms, bytes of the heap in use) through the run."""
    text = (directory / "memory").read_text()
    return [(int(at), int(size)) for at, size in (line.split() for line in text.splitlines())]
