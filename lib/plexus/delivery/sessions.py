"""Sessions: what `with px.session(...)` does, and its POST and PATCH, in order, till they pass."""

import time

from ..port import const, load_once, ticks_diff
from ..readings.compound import suffix
from ..readings.record import check_string
from ..readings.render import string_text
from . import parse
from .verdict import CONFIRMED, FAILED, REFUSED_READING, TOO_LARGE, Retry, judge

_WAITING = const(32)
# A request is [session_id, source_id, name, hi, lo, seq, refused]: an end's time, and the number of
# the reading after it; None, or (ticks, readings confirmed till then) of its first refusal.
_SESSION_ID = const(0)
_END_HI = const(3)
_END_LO = const(4)
_END_SEQ = const(5)
_REFUSED = const(6)
_AGAIN_MS = const(1000)
_KNOWN = const(1000000)  # a clock that does not know the time is below 10^12 ms
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_EPOCH = 0 if time.gmtime(0)[0] == 1970 else 946684800  # s from 1970 to the board's epoch


def iso_time(hi, lo):
    """Epoch ms hi * 10^6 + lo as RFC 3339 UTC text with milliseconds."""
    t = time.gmtime(hi * 1000 + lo // 1000 - _EPOCH)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (tuple(t[:6]) + (lo % 1000,))


def quoted(text):
    """A path segment, percent-encoded (RFC 3986 section 2.1)."""
    return "".join(chr(b) if b in _PLAIN else "%%%02X" % b for b in text.encode())


def session(px, session_id, name=None):
    """A recording session, for `with`: every reading sent in it carries its id."""
    if px.session_requests is None:
        px.session_requests = SessionRequests(Retry(px.random))
    return Session(px, session_id, name)


def set_session(buffer, session_id, suffix):
    """Put further readings into a session (None: into none): `suffix` is their JSON's end.

    Returns the time (hi, lo) and the number of the next reading.
    """
    with buffer.lock:
        buffer.session_id = session_id
        buffer.plain_suffix = suffix
        buffer.text_numbers.clear()
        buffer.clock.split(buffer.ticks_ms())
        return buffer.clock.hi, buffer.clock.lo, buffer.ring.next


class SessionRequests:
    """The sessions' requests that still have to pass, oldest first: at most 32.

    A further one lets go of the oldest, which is counted: readings carry their session anyway.
    """

    def __init__(self, retry):
        self._retry = retry
        self._calls = []
        self._problem = None  # what was wrong with the last one: see problem.py
        self.dropped = 0

    def __bool__(self):
        return bool(self._calls or self.dropped or self._problem)

    @property
    def waiting(self):
        """Requests that have not passed yet."""
        return len(self._calls)

    def add(self, session_id, source_id, name, hi=None, lo=None, seq=0):
        """A session's start, or its end at hi * 10^6 + lo ms, behind the reading before `seq`."""
        if len(self._calls) == _WAITING:
            self._calls.pop(0)
            self.dropped += 1
        self._calls.append([session_id, source_id, name, hi, lo, seq, None])

    def date(self, hi, lo):
        """The clock is known now: move the ends that it stamped before by hi * 10^6 + lo ms."""
        for call in self._calls:
            if call[_END_HI] is not None:
                carry, call[_END_LO] = divmod(call[_END_LO] + lo, 1000000)
                call[_END_HI] += hi + carry

    def send(self, http, buffer):
        """Make the requests that are due. An end waits until the readings before it have gone.

        One that is refused is made again, and given up when it is refused at another time, while
        the server takes readings.
        """
        ticks_ms = buffer.ticks_ms
        while self._calls and not self._retry.wait_ms(ticks_ms()):
            call = self._calls[0]
            if call[_END_HI] is not None and buffer.ring.left(call[_END_SEQ]):
                return
            method, path, body = _request(call)
            try:
                status, content = http.request(
                    method, sessions_path(http.path) + path, (body,), len(body)
                )
            except OSError as exc:
                self._problem = (0, exc.args[0], exc.args[1])
                self._retry.failed(FAILED, ticks_ms())
                return
            answer = parse(content)
            verdict = judge(status, None, 0)
            if status < 300 and isinstance(answer, dict) and answer.get("success") is not False:
                verdict = CONFIRMED
            elif status == 204 or status == 409:  # done without a word; it is there already
                verdict = CONFIRMED
            self._problem = (status, call[_SESSION_ID]) if verdict != CONFIRMED else None
            if status == 404 and method == "PATCH":  # never made: no try will change it
                verdict = CONFIRMED
            elif verdict == REFUSED_READING or verdict == TOO_LARGE:
                now = ticks_ms()
                since, confirmed = call[_REFUSED] or (now, buffer.confirmed)
                call[_REFUSED] = since, confirmed
                if ticks_diff(now, since) >= _AGAIN_MS and buffer.confirmed != confirmed:
                    self.dropped += 1
                else:
                    verdict = FAILED
            if verdict > TOO_LARGE:
                asked = http.exchange.retry_after
                if asked:
                    asked = load_once(__name__, "http_date").retry_after_ms(
                        asked, http.exchange.date
                    )
                self._retry.failed(verdict, ticks_ms(), asked)
                return
            self._retry.succeeded()
            if self._calls and self._calls[0] is call:
                self._calls.pop(0)

    def status(self, host):
        """What `Plexus.status` says of the sessions."""
        message = "; %d session requests wait" % len(self._calls) if self._calls else ""
        if self.dropped:
            message += "; %d session requests dropped" % self.dropped
        trouble = self._problem  # taken once: another thread may be delivering
        return message + (
            "; session: " + load_once(__name__, "problem").problem(trouble, host) if trouble else ""
        )


def sessions_path(path):
    """The sessions' path beside that of ingest: /api/ingest -> /api/sessions."""
    return path.split("?")[0].rstrip("/").rpartition("/")[0] + "/sessions"


def _request(call):
    # (method, path behind sessions', JSON) of one entry of `_calls`.
    session_id, source_id, name, hi, lo, _, _ = call
    if hi is not None:
        body = b'{"status":"completed"'
        if hi >= _KNOWN:
            body += b',"ended_at":"' + iso_time(hi, lo).encode() + b'"'
        body += b"}"
        return "PATCH", "/" + quoted(session_id), body
    body = b'{"session_id":' + string_text(session_id)
    if name is not None:
        body += b',"name":' + string_text(name)
    body += b',"source_id":' + string_text(source_id) + b',"status":"active"}'
    return "POST", "", body


class Session:
    """A session of a Plexus client; use it in `with`, or call start() and end()."""

    def __init__(self, client, session_id, name):
        check_string("session_id", session_id)
        string_text(session_id, "session_id")
        if name is not None:
            check_string("name", name)
            string_text(name, "name")
        self.session_id = session_id
        self.name = name
        self._client = client

    def start(self):
        client = self._client
        if client.session_id is not None:
            raise ValueError("session_id: %r is still open; end it first" % client.session_id)
        client.session_requests.add(self.session_id, client.source_id, self.name)
        set_session(client.buffer, self.session_id, suffix(None, self.session_id, None))
        return self

    def end(self):
        client = self._client
        if client.session_id != self.session_id:
            return
        hi, lo, seq = set_session(client.buffer, None, suffix(None, None, None))
        client.session_requests.add(self.session_id, None, None, hi, lo, seq)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end()

    async def __aenter__(self):
        return self.start()

    async def __aexit__(self, *_):
        self.end()
