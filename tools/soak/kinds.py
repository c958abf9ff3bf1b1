"""The kinds of faults: what each of them does to a request, a connection, a server or a clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from tools.time_server import Behaviour

HTTP, HTTPS = "http", "https"
_BOTH = (HTTP, HTTPS)
_MANY = 10**6
_HUGE = {"success": True, "count": _MANY, "padding": "x" * 2_000_000}


@dataclass(frozen=True)
class AnswerKind:
    """A fault of one request's answer, by the mock server: tools/mock_server/faults.py.

    action: its fields, or what makes them when it is given. hides: the readings may be stored, and
    the client cannot know that, so that it has to send them again. sessions: whether it may meet a
    session's request as well, or just one of this method; not where the answer says that it is
    done, though it is not.
    """

    name: str
    action: dict[str, Any] | Callable[[], dict[str, Any]]
    hides: bool = False
    sessions: bool | str = True

    def script(self) -> dict[str, Any]:
        action = self.action if isinstance(self.action, dict) else self.action()
        return {**action, "label": self.name}


@dataclass(frozen=True)
class ConnectionKind:
    """A fault of the next connection, by the proxy: tools/fault_proxy.py.

    All strike before a request has reached the server. for_s: how long, if not just once.
    """

    name: str
    plan: dict[str, Any]
    for_s: float = 0.0
    lanes: tuple[str, ...] = _BOTH


@dataclass(frozen=True)
class ServerKind:
    """The server is unreachable so long, for everybody, and what was open is reset."""

    name: str
    for_s: float


@dataclass(frozen=True)
class TimeKind:
    """What the time servers say for a while; `second`: the second one, if that is not the same."""

    name: str
    first: Behaviour
    second: Behaviour | None = None


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"status": status, **more}


def _until_soon() -> dict[str, Any]:
    return {"retry_after": formatdate(time.time() + 2, usegmt=True)}


def _kept(**action: Any) -> dict[str, Any]:
    return {**action, "store": True}


def _named(index: int) -> dict[str, Any]:
    return _status(400, body={"error": f"points[{index}].value must not be null"})


ANSWERS = (
    AnswerKind("400 that names no reading", _status(400)),
    AnswerKind("400 that names the first reading", _named(0)),
    AnswerKind("400 that names the third reading", _named(2)),
    AnswerKind("401", _status(401)),
    AnswerKind("402", _status(402)),
    AnswerKind("403", _status(403)),
    # To a session's end it says that there is no such session, and no try will change it.
    AnswerKind("404", _status(404), sessions="POST"),
    AnswerKind("408", _status(408)),
    AnswerKind("410", _status(410)),
    AnswerKind("413", _status(413)),
    AnswerKind("425", _status(425)),
    AnswerKind("429 with Retry-After in seconds", {"retry_after": 1}),
    AnswerKind("429 with Retry-After as a date", _until_soon),
    AnswerKind("429 without Retry-After", _status(429)),
    AnswerKind("500", _status(500)),
    AnswerKind("500 with Retry-After", _status(500, retry_after=1)),
    AnswerKind("502", _status(502)),
    AnswerKind("502 with Retry-After", _status(502, retry_after=1)),
    AnswerKind("503", _status(503)),
    AnswerKind("503 with Retry-After", _status(503, retry_after=1)),
    AnswerKind("503 though it stored", _kept(status=503), hides=True),
    AnswerKind("answer before the request is read", {"unread": True}),
    AnswerKind("answer lost, though it stored", _kept(read_then_reset=True), hides=True),
    AnswerKind("answer lost, nothing stored", {"read_then_reset": True}),
    AnswerKind("reset when the headers are there", {"reset": True}),
    AnswerKind("reset within the request", {"cut_request_after": 100}),
    AnswerKind("reset within the answer", _kept(read_then_reset=True, cut_after=40), hides=True),
    AnswerKind("answer ends in its headers", _kept(cut_after=60), hides=True),
    AnswerKind("answer ends in its body", _kept(headers={"Content-Length": "5000"}), hides=True),
    AnswerKind("no answer", _kept(stall="before_headers"), hides=True),
    AnswerKind("silence within the answer", _kept(stall="in_body"), hides=True),
    AnswerKind("headers that trickle", _kept(trickle_ms=150), hides=True),
    AnswerKind("a header without end", _kept(endless_header=300_000), hides=True),
    AnswerKind("slow answer, byte by byte", {"drip_ms": 3}),
    AnswerKind("late answer", {"delay_ms": 700}),
    AnswerKind("count of none, though it stored", _kept(count=0), hides=True, sessions=False),
    AnswerKind("count of none, nothing stored", {"count": 0}, sessions=False),
    AnswerKind("count too high", _kept(count=_MANY), sessions=False),
    AnswerKind("success is false", {"body": {"success": False, "count": _MANY}}),
    AnswerKind(
        "persisted is false",
        {"body": {"success": True, "count": _MANY, "persisted": False}},
        sessions=False,
    ),
    AnswerKind("201 in place of 200", _kept(status=201)),
    AnswerKind("204", _status(204), sessions=False),
    AnswerKind("no JSON", _kept(body="oops"), hides=True),
    AnswerKind("JSON that is nested too deep", _kept(body="[" * 900), hides=True),
    AnswerKind("page of a captive portal", {"html": True}),
    AnswerKind("redirect", {"redirect": "http://portal.invalid/"}),
    AnswerKind("compressed answer", _kept(gzip=True), hides=True),
    AnswerKind("huge answer", _kept(body=_HUGE), hides=True),
    AnswerKind("Content-Length too short", _kept(headers={"Content-Length": "7"}), hides=True),
    AnswerKind("Content-Length that is none", _kept(headers={"Content-Length": "many"})),
    AnswerKind("no Content-Length", {"lengthless": True}),
    AnswerKind("blanks around the Content-Length", {"blanks": True}),
    AnswerKind("chunks", {"chunked": 16}),
    AnswerKind("chunks of one byte", {"chunked": 1}),
    AnswerKind(
        "chunks that are none",
        _kept(headers={"Transfer-Encoding": "chunked", "Content-Length": None}),
        hides=True,
    ),
    AnswerKind("chunks that end early", _kept(chunked=16, cut_after=180), hides=True),
    AnswerKind("HTTP/1.0", {"http10": True}),
    AnswerKind("100 Continue", {"interim": 100}),
    AnswerKind("103 Early Hints", {"interim": 103}),
    AnswerKind("second answer, unasked", {"twice": True}),
)
CONNECTIONS = (
    ConnectionKind("reset at accept", {"mode": "reset"}),
    ConnectionKind("closed at accept", {"mode": "cut"}),
    ConnectionKind("silent at accept", {"mode": "stall"}),
    ConnectionKind("reset after some bytes", {"mode": "reset", "after_bytes": 150}),
    ConnectionKind(
        "a server of another protocol", {"mode": "say", "text": "SSH-2.0-OpenSSH_9\r\n"}
    ),
    ConnectionKind("a server that says zeros", {"mode": "say", "text": "\0" * 600}),
    ConnectionKind(
        "TLS handshake torn",
        {"mode": "cut", "direction": "down", "after_bytes": 500},
        lanes=(HTTPS,),
    ),
    ConnectionKind(
        "TLS handshake reset",
        {"mode": "reset", "direction": "down", "after_bytes": 100},
        lanes=(HTTPS,),
    ),
    ConnectionKind(
        "TLS handshake falls silent",
        {"mode": "stall", "direction": "down", "after_bytes": 300},
        lanes=(HTTPS,),
    ),
    ConnectionKind("connection refused", {"mode": "refuse"}, for_s=1.2),
    ConnectionKind("slow network", {"delay_ms": 10, "chunk_bytes": 700}, for_s=1.0),
)
SERVERS = (
    ServerKind("server gone for seconds", 2.0),
    ServerKind("server killed and started again", 0.0),
)
TIMES = (
    TimeKind("time steps forward", Behaviour(offset_ms=2500)),
    TimeKind("time steps back", Behaviour(offset_ms=-3500)),
    TimeKind("time servers disagree", Behaviour(offset_ms=90_000), Behaviour(offset_ms=-90_000)),
    TimeKind("no time server answers", Behaviour(silent=True)),
    TimeKind("far from their own source", Behaviour(dispersion_ms=2_000)),
    TimeKind("lost their own source", Behaviour(dispersion_ms=17_000)),
    TimeKind("time servers without a time", Behaviour(synchronised=False)),
    TimeKind("kiss-o'-death: RATE", Behaviour(kiss="RATE")),
    # That of one alone: it is never asked again.
    TimeKind("kiss-o'-death: DENY", Behaviour(kiss="DENY"), Behaviour(silent=True)),
)
HIDING = frozenset(kind.name for kind in ANSWERS if kind.hides)


def names() -> list[str]:
    """All kinds, as the account lists them."""
    return [kind.name for table in (ANSWERS, CONNECTIONS, SERVERS, TIMES) for kind in table]
