"""Scripted faults: what an action may say, which request it meets, the answer's raw bytes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

# How long a stalled or trickling connection is held if the client does not leave before.
HOLD_MS = 60_000
ENDLESS_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 16
# What can happen to a device's message; the names in capitals are the gateway's error codes.
SOCKET_EFFECTS = ("ignore", "stall", "drop", "reset", "RATE_LIMITED", "REDIS_UNAVAILABLE")
SOCKET_TYPE = "telemetry"

# Scripting one of these makes the framing a lie.
_FRAMING_HEADERS = {"content-length", "transfer-encoding", "connection"}

PORTAL_PAGE = (
    "<!DOCTYPE html><html><head><title>Welcome to Airport WiFi</title></head>"
    "<body><h1>Please accept the terms of use</h1></body></html>"
)


class FaultError(ValueError):
    """A script that makes no sense; names the field and what it takes."""


@dataclass(kw_only=True)
class Action:
    """One scripted deviation. What it does not mention stays as the contract has it.

    Which requests: `method`, `path` (a prefix), `times` (-1: for ever).
    The answer: `status`, `headers` (None removes one), `body` (text, or JSON), `retry_after`
    (seconds, or an HTTP date), `html`, `redirect` (a URL), `count`.
    Its delivery: `delay_ms`, `chunked` (True, or the chunk size), `lengthless`, `http10`,
    `cut_after` (bytes of the answer), `stall` ("before_headers", "in_body"), `trickle_ms`,
    `endless_header` (True, or bytes), `hold_ms`, `reset`, `read_then_reset`,
    `cut_request_after` (bytes of the request's body).
    `store`: whether the points are kept. By default only if the client gets a true 200.
    `socket`: not for a request, but for a device's next message over its socket of the type `on`
    ("telemetry" by default); one of SOCKET_EFFECTS. With `store`, a message that is lost has its
    effect all the same, only the device is not told.
    """

    method: str | None = None
    path: str | None = None
    times: int = 1
    status: int | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    body: Any = None
    retry_after: int | str | None = None
    html: bool = False
    redirect: str | None = None
    count: int | None = None
    delay_ms: int = 0
    chunked: int = 0
    lengthless: bool = False
    http10: bool = False
    cut_after: int | None = None
    stall: str | None = None
    trickle_ms: int = 0
    endless_header: int = 0
    hold_ms: int = HOLD_MS
    reset: bool = False
    read_then_reset: bool = False
    cut_request_after: int | None = None
    store: bool | None = None
    socket: str | None = None
    on: str = SOCKET_TYPE

    @classmethod
    def parse(cls, script: object) -> "Action":
        """An action from its JSON form; raises FaultError."""
        if not isinstance(script, dict):
            raise FaultError("an action must be an object")
        unknown = script.keys() - _CHECKS.keys()
        if unknown:
            raise FaultError(
                f"unknown field {sorted(unknown)[0]!r}; known: " + ", ".join(sorted(_CHECKS))
            )
        for name, value in script.items():
            accepts, wanted = _CHECKS[name]
            if not accepts(value):
                raise FaultError(f"{name} must be {wanted}")
        if "socket" in script or "on" in script:
            strange = script.keys() - {"socket", "on", "path", "times", "hold_ms", "store"}
            if strange or "socket" not in script:
                words = "with on, path, times, hold_ms and store goes socket, and nothing else"
                raise FaultError(words)
        action = cls(**script)
        if action.socket == "stall" and action.store:
            raise FaultError("store goes with what loses a message; a stall does not")
        if action.chunked is True:
            action.chunked = CHUNK_BYTES
        if action.endless_header is True:
            action.endless_header = ENDLESS_BYTES
        return action

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        defaults = Action()
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name == "times" or getattr(self, item.name) != getattr(defaults, item.name)
        }

    def matches(self, method: str, path: str) -> bool:
        """Whether it meets this request."""
        if self.socket is not None or self.method not in (None, method):
            return False
        return self.path is None or path.startswith(self.path)

    def matches_message(self, kind: str, path: str) -> bool:
        """Whether it meets this message of a device, by its type and its socket's path."""
        if self.socket is None or self.on != kind:
            return False
        return self.path is None or path.startswith(self.path)

    @property
    def resets(self) -> bool:
        return self.reset or self.read_then_reset or self.cut_request_after is not None

    @property
    def alters_answer(self) -> bool:
        """Whether the client is kept from a complete, truthful success."""
        return (
            self.status not in (None, 200)
            or any(name.lower() in _FRAMING_HEADERS for name in self.headers)
            or self.body is not None
            or self.retry_after is not None
            or self.html
            or self.redirect is not None
            or self.count is not None
            or self.cut_after is not None
            or self.stall is not None
            or self.trickle_ms > 0
            or self.endless_header > 0
            or self.resets
        )

    @property
    def stores(self) -> bool:
        return not self.alters_answer if self.store is None else self.store


class Script:
    """The actions still to come; what matches consumes the first that fits."""

    def __init__(self) -> None:
        self._actions: list[Action] = []

    def extend(self, actions: list[Action]) -> None:
        self._actions.extend(actions)

    def clear(self) -> None:
        self._actions.clear()

    def take(self, method: str, path: str) -> Action | None:
        """The action for a request."""
        return self._take(lambda action: action.matches(method, path))

    def take_for_message(self, kind: str, path: str) -> Action | None:
        """The action for a device's message."""
        return self._take(lambda action: action.matches_message(kind, path))

    def _take(self, fits: Callable[[Action], bool]) -> Action | None:
        action = next(filter(fits, self._actions), None)
        if action is not None and action.times > 0:
            action.times -= 1
            if action.times == 0:
                self._actions.remove(action)
        return action

    def to_json(self) -> list[dict[str, Any]]:
        return [action.to_json() for action in self._actions]


@dataclass
class Answer:
    """An HTTP answer before it is framed."""

    status: int
    body: bytes = b""
    headers: dict[str, str | None] = field(default_factory=dict)
    # For people, in the log of requests: what it is about, and what else to know.
    verdict: str = ""
    remarks: list[str] = field(default_factory=list)
    # Breaches of the contract in a request that was accepted all the same.
    violations: list[str] = field(default_factory=list)
    points: int = 0
    # Makes the request's effect on the store; None if it has none.
    commit: Callable[[], None] | None = None
    close: bool = False

    @classmethod
    def of_json(cls, status: int, document: Any, **more: Any) -> "Answer":
        body = json.dumps(document, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json"}, **more)

    @classmethod
    def of_text(cls, status: int, text: str, **more: Any) -> "Answer":
        return cls(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}, **more)


def alter(answer: Answer, action: Action) -> Answer:
    """The answer as the action wants it."""
    altered = _replace_content(answer, action)
    altered.close = answer.close
    headers = dict(action.headers)
    if action.retry_after is not None:
        headers["Retry-After"] = str(action.retry_after)
    # Names are compared without regard to case (RFC 9110 section 5.1).
    given = {name.lower() for name in headers}
    kept = {name: value for name, value in altered.headers.items() if name.lower() not in given}
    altered.headers = kept | headers
    return altered


def _replace_content(answer: Answer, action: Action) -> Answer:
    if action.redirect is not None:
        status = action.status or 307
        return Answer(status, b"", {"Location": action.redirect})
    if action.html:
        status = action.status or 200
        return Answer(status, PORTAL_PAGE.encode(), {"Content-Type": "text/html; charset=utf-8"})
    status = action.status
    if status is None:
        if action.retry_after is not None:
            status = 429
        else:
            status = 200 if action.body is not None or action.count is not None else answer.status
    if action.body is not None:
        if isinstance(action.body, str):
            return Answer.of_text(status, action.body)
        return Answer.of_json(status, action.body)
    if action.count is not None:
        return Answer.of_json(status, _with_count(answer, action.count))
    if status == 204:
        return Answer(status)
    if status == answer.status or (200 <= status < 300 and answer.status == 200):
        return Answer(status, answer.body, dict(answer.headers))
    if 200 <= status < 300:
        return Answer.of_json(status, success(answer.points))
    return Answer.of_json(status, {"error": f"scripted: {reason(status)}"})


def _with_count(answer: Answer, count: int) -> dict[str, Any]:
    """The success document of this server's profile, with another count."""
    document = json.loads(answer.body) if answer.status == 200 else {}
    if "count" not in document:
        return success(count)
    return document | {name: count for name in ("count", "persistedCount") if name in document}


def success(count: int) -> dict[str, Any]:
    """The documented answer to an accepted batch."""
    return {"success": True, "count": count, "persisted": True, "persistedCount": count}


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def frame(
    answer: Answer,
    action: Action,
    *,
    method: str = "POST",
    http10: bool = False,
    keep_alive: bool = True,
) -> tuple[bytes, bytes, bool]:
    """The answer's raw head and body, and whether the connection can be used again.

    http10: the request was HTTP/1.0. Framing is that of RFC 9112 section 6.
    """
    bodiless = method == "HEAD" or answer.status in (204, 304) or answer.status < 200
    headers: dict[str, str | None] = {
        "Date": formatdate(usegmt=True),
        "Server": "plexus-mock",
    }
    body = b"" if bodiless else answer.body
    if action.chunked and not bodiless:
        headers["Transfer-Encoding"] = "chunked"
        body = _chunk(body, action.chunked)
        http10 = False
    elif action.lengthless:
        keep_alive = False
    elif answer.status not in (204, 304):
        headers["Content-Length"] = str(len(answer.body))
    http10 = http10 or action.http10
    keep_alive = keep_alive and not answer.close and not action.http10
    if not keep_alive:
        headers["Connection"] = "close"
    elif http10:
        headers["Connection"] = "keep-alive"
    given = {name.lower() for name in answer.headers}
    headers = {n: v for n, v in headers.items() if n.lower() not in given} | answer.headers
    lines = [f"HTTP/1.{0 if http10 else 1} {answer.status} {reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
    if given & _FRAMING_HEADERS:
        keep_alive = False
    return head, body, keep_alive


def _chunk(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _is_int(minimum: int, maximum: int = 2**31) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and minimum <= v <= maximum


def _is_clean(value: object) -> bool:
    return isinstance(value, str) and not any(c in value for c in "\r\n\0")


def _is_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_clean(name) and name and (text is None or _is_clean(text))
        for name, text in value.items()
    )


_Check = tuple[Callable[[Any], bool], str]
_BOOL: _Check = (lambda v: isinstance(v, bool), "true or false")
_NOT_NEGATIVE: _Check = (_is_int(0), "an integer from 0")
_SIZE: _Check = (lambda v: v is True or _is_int(1)(v), "true or a number of bytes")

_CHECKS: dict[str, _Check] = {
    "method": (lambda v: isinstance(v, str) and v.isupper(), "a method in capitals"),
    "path": (lambda v: isinstance(v, str) and v.startswith("/"), "a path that starts with /"),
    "times": (lambda v: v == -1 or _is_int(1)(v), "-1 (for ever) or an integer from 1"),
    "status": (_is_int(200, 599), "a status from 200 to 599"),
    "headers": (_is_headers, "an object of strings without line breaks (null removes one)"),
    "body": (lambda v: v is not None, "a text or a JSON value"),
    "retry_after": (lambda v: _is_int(0)(v) or _is_clean(v), "seconds, or an HTTP date"),
    "html": _BOOL,
    "redirect": (_is_clean, "a URL"),
    "count": _NOT_NEGATIVE,
    "delay_ms": _NOT_NEGATIVE,
    "chunked": _SIZE,
    "lengthless": _BOOL,
    "http10": _BOOL,
    "cut_after": _NOT_NEGATIVE,
    "stall": (lambda v: v in ("before_headers", "in_body"), "'before_headers' or 'in_body'"),
    "trickle_ms": (_is_int(1), "an integer from 1"),
    "endless_header": _SIZE,
    "hold_ms": _NOT_NEGATIVE,
    "reset": _BOOL,
    "read_then_reset": _BOOL,
    "cut_request_after": _NOT_NEGATIVE,
    "store": _BOOL,
    "socket": (lambda v: v in SOCKET_EFFECTS, "one of: " + ", ".join(SOCKET_EFFECTS)),
    "on": (lambda v: isinstance(v, str) and v != "", "the type of a device's message"),
}
