"""Runs, as the platform of today calls sessions: what `with px.run(...)` tells it, and hears."""

from ..port import const, load_once
from ..readings.compound import compound_text
from ..readings.record import check_string
from ..readings.render import string_text
from . import parse
from .call_queue import SessionRequests, iso_time, quoted, stamp
from .verdict import CONFIRMED, FAILED, REFUSED_READING, Retry, judge

_MAX_NAME = const(200)  # characters
_OPERATORS = (">", ">=", "<", "<=", "=", "!=")
_STATUSES = ("completed", "aborted")
# Of a call, see call_queue.py.
_SEQ = const(1)
_HI = const(2)
_LO = const(3)
_KNOWN = const(1000000)
_GIVE_UP = const(6)


def run(px, name, pass_criteria=None, tags=None, metadata=None):
    """A run, for `with`: a window of time on this source that has a name, and may pass or fail."""
    if px.session_requests is None:
        px.session_requests = SessionRequests(Retry(px.random))
    return Run(px, name, pass_criteria, tags, metadata)


def of_session(session, client):
    """The run that stands for a session on a server that has none; it takes over its calls."""
    name = session.name or session.session_id
    run = Run(client, name[:_MAX_NAME], None, None, {"session_id": session.session_id})
    run.session = session
    return run


class Run:
    """A run of a Plexus client; use it in `with`, or call start() and end(), each once.

    `id` is the server's, None until it has answered; `test_result` what it says of the pass
    criteria at the end, a dict with "passed" (bool), None until it is known.
    """

    kind = "run"
    host = session = None

    def __init__(self, client, name, pass_criteria, tags, metadata):
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
            got = "%d characters" % len(name) if isinstance(name, str) else type(name).__name__
            raise ValueError("name: %s; give a string of 1 to %d" % (got, _MAX_NAME))
        json = b'{"name":' + string_text(name, "name")
        for field, value in (("tags", tags), ("metadata", metadata)):
            if value is not None:
                if not isinstance(value, dict):
                    raise ValueError("%s: a dict, not %s" % (field, type(value).__name__))
                json += b',"' + field.encode() + b'":' + _json(field, value)
        if pass_criteria is not None:
            json += b',"pass_criteria":' + _json("pass_criteria", _criteria(pass_criteria))
        self.name = name
        self.id = None
        self.test_result = None
        self._client = client
        self._start = json  # what its start says, until that has passed
        self._began = ()  # when that was
        self._status = None  # None: not started; "active", or how it ended

    def start(self):
        if self._status:
            raise ValueError("run: %r was started already; make another" % self.name)
        self._call(None)
        self._status = "active"
        return self

    def end(self, status="completed"):
        if status not in _STATUSES:
            raise ValueError("status: 'completed' or 'aborted', not %r" % (status,))
        if self._status == "active":
            self._status = status
            self._call(0)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.end("aborted" if kind else "completed")

    async def __aenter__(self):
        return self.start()

    async def __aexit__(self, kind, *_):
        self.end("aborted" if kind else "completed")

    def _call(self, seq):
        client = self._client
        call = client.session_requests.add(self, seq)
        with client.buffer.lock:
            stamp(client.buffer, call)

    # What SessionRequests asks of it.

    def trouble(self, status):
        if status == 402:
            return "the plan has no runs (402)"
        if status == 404:
            return "the server knows no such source yet, or has no runs (404)"
        return status, self.name

    def due(self, call):
        if call[_SEQ] is not None:
            return True
        hi = call[_HI]
        return hi is not None and hi >= _KNOWN

    def ask(self, http, call):
        url = load_once("plexus", "url")
        if http.host == url.PLATFORM_INGEST.split("/")[2]:
            self.host = url.PLATFORM_APP
        time = call[_HI], call[_LO]
        if call[_SEQ] is None:
            self._began = time
            body = self._start + b',"source_id":' + string_text(self._client.source_id)
            body += b',"status":"active","started_at":"' + iso_time(*time).encode() + b'"}'
            return _ask(http, self.host, "POST", "", body)
        # The clock may have been set back meanwhile.
        ended = iso_time(*max(time, self._began))
        status = self._status or "completed"  # of a session's
        body = '{"status":"%s","ended_at":"%s"}' % (status, ended)
        return _ask(http, self.host, "PATCH", "/" + quoted(self.id), body.encode())

    def answered(self, call, status, content):
        if status == 402:
            return _GIVE_UP
        content = bytes(content)
        if status >= 300:
            return REFUSED_READING if status == 404 else judge(status, None, 0)
        if content.strip()[:1] == b"<":  # the page of a portal
            return FAILED
        answer = parse(content)
        answer = answer.get("run") if isinstance(answer, dict) else None
        if call[_SEQ] is None:
            found = answer.get("id") if isinstance(answer, dict) else _id_in(content)
            if not found or not isinstance(found, (str, int)):
                # Made or not, it has no name: again and again would make many.
                return REFUSED_READING if status == 201 else FAILED
            self.id = str(found)
            self._start = b""
        elif isinstance(answer, dict):
            if isinstance(answer.get("test_result"), dict):
                self.test_result = answer["test_result"]
        else:
            self.test_result = _passed_in(content)
        return CONFIRMED


def _json(field, value):
    try:
        return compound_text(value)
    except ValueError as exc:
        # "value: ..." of a reading; this is none.
        words = str(exc).partition(":")[2].replace("split it into several metrics", "shorten it")
        raise ValueError(field + ":" + words)


def _criteria(criteria):
    if not isinstance(criteria, (list, tuple)):
        raise ValueError("pass_criteria: a list of dicts, not %s" % type(criteria).__name__)
    for i, criterion in enumerate(criteria):
        at = "pass_criteria[%d]" % i
        if not isinstance(criterion, dict):
            raise ValueError("%s: a dict, not %s" % (at, type(criterion).__name__))
        for key in criterion:
            if key not in ("metric", "operator", "value", "label"):
                raise ValueError("%s: no %r; it has metric, operator, value and label" % (at, key))
        check_string(at + ".metric", criterion.get("metric"))
        sign = criterion.get("operator")
        if sign not in _OPERATORS:
            raise ValueError("%s.operator: one of %s, not %r" % (at, " ".join(_OPERATORS), sign))
        value = criterion.get("value")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
            raise ValueError("%s.value: a finite number, not %r" % (at, value))
        if "label" in criterion:
            check_string(at + ".label", criterion["label"], 0)
    return criteria


def _ask(http, host, method, path, body):
    # Beside /ingest or /api/ingest; or at another host, for which the connection to that makes way
    # and comes back: a bare board has RAM for one.
    path = "/api/runs" + path
    if not host:
        base = http.path.split("?")[0].rstrip("/").rpartition("/")[0]
        if base[-4:] == "/api":
            base = base[:-4]
        return http.request(method, base + path, (body,), len(body))
    connection = http.connection
    headers = http._headers
    connection.shut()
    here = connection.host, headers["Host"], http._origin
    connection.host = headers["Host"] = host
    if http._socket_name is None:  # a module that connects by itself
        http._origin = "https://" + host
    try:
        return http.request(method, path, (body,), len(body))
    finally:
        connection.shut()
        connection.host, headers["Host"], http._origin = here


# An answer is read up to 1 kB: what is cut is no JSON any more.


def _id_in(text):
    # The first "id" that is a string.
    at = text.find(b'"id"')
    while at >= 0:
        rest = text[at + 4 :].lstrip()
        if rest[:1] == b":":
            rest = rest[1:].lstrip()
            value, end, _ = rest[1:].partition(b'"')
            if rest[:1] == b'"' and end and b"\\" not in value:
                return str(value, "utf-8")
        at = text.find(b'"id"', at + 4)
    return None


def _passed_in(text):
    # {"passed": bool}, if that is the first thing in "test_result".
    rest = text.partition(b'"test_result"')[2].replace(b" ", b"")
    for passed, start in ((True, b':{"passed":true'), (False, b':{"passed":false')):
        if rest[: len(start)] == start:
            return {"passed": passed}
    return None
