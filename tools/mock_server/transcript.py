"""What a device and the server said to each other: the newest messages, without API keys."""

import json
import re
import time
from collections import deque
from typing import Any, NamedTuple

MAX_MESSAGES = 2000
MAX_BYTES = 4 * 1024 * 1024
# A message over this is kept as the beginning of its text.
_WHOLE_CHARS = 64 * 1024
_BEGINNING_CHARS = 4096
_HIDDEN = "(not kept)"
# The field of a key and what follows it, in a text that is no JSON.
_KEY_FIELD = re.compile(
    r"""(api_key["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}]+)""", re.DOTALL
)


class _Row(NamedTuple):
    id: int
    at_ms: int
    sender: str
    text: str  # JSON, as parsed objects take ten times as much


class Transcript:
    """The newest messages of one device, bounded in number and in size."""

    def __init__(self) -> None:
        self._rows: deque[_Row] = deque()
        self._bytes = 0

    def add(self, row_id: int, sender: str, message: Any) -> None:
        """Keep a JSON value, or the text that is none; `sender` is "device" or "server"."""
        text = json.dumps(message)
        if len(text) > _WHOLE_CHARS:
            words = message if isinstance(message, str) else text
            text = json.dumps(words[:_BEGINNING_CHARS])
        self._rows.append(_Row(row_id, time.time_ns() // 1_000_000, sender, text))
        self._bytes += len(text)
        while len(self._rows) > MAX_MESSAGES or self._bytes > MAX_BYTES:
            self._bytes -= len(self._rows.popleft().text)

    def rows(self, since_id: int, limit: int, newest: bool) -> list[dict[str, Any]]:
        """What was said after since_id, in order; the first ones, or the last ones if `newest`."""
        rows = [row for row in self._rows if row.id > since_id]
        rows = rows[max(0, len(rows) - limit) :] if newest else rows[:limit]
        return [
            {"id": row.id, "at_ms": row.at_ms, "from": row.sender, "message": json.loads(row.text)}
            for row in rows
        ]

    def clear(self) -> None:
        self._rows.clear()
        self._bytes = 0


def without_key(message: Any, key: str) -> Any:
    """The JSON value, or the text that is none, with `key` and any api_key hidden."""
    try:
        if isinstance(message, str):
            return _KEY_FIELD.sub(rf'\1"{_HIDDEN}"', message).replace(key, _HIDDEN)
        return _hidden(message, key)
    except RecursionError:
        return "(too deep to be shown without the API key)"


def _hidden(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return value.replace(key, _HIDDEN)
    if isinstance(value, list):
        return [_hidden(item, key) for item in value]
    if isinstance(value, dict):
        return {
            name.replace(key, _HIDDEN): _HIDDEN if name == "api_key" else _hidden(item, key)
            for name, item in value.items()
        }
    return value
