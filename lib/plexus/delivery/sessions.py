"""Sessions: what `with px.session(...)` does, and its POST and PATCH."""

from ..port import const, load
from ..readings.compound import suffix
from ..readings.record import check_string
from ..readings.render import string_text
from . import parse
from .call_queue import SessionRequests, iso_time, quoted, stamp
from .verdict import CONFIRMED, FAILED, Retry, judge

# Of a call, see call_queue.py.
_SEQ = const(1)
_HI = const(2)
_LO = const(3)
_KNOWN = const(1000000)  # a clock that does not know the time is below 10^12 ms
_AGAIN = const(7)


def session(px, session_id, name=None):
    """A recording session, for `with`: every reading sent in it carries its id."""
    if px.session_requests is None:
        px.session_requests = SessionRequests(Retry(px.random))
    return Session(px, session_id, name)


def set_session(buffer, session_id, suffix, call=None):
    """Put further readings into a session (None: into none): `suffix` is their JSON's end.

    Returns the time (hi, lo) and the number of the next reading; a call gets them.
    """
    with buffer.lock:
        buffer.session_id = session_id
        buffer.plain_suffix = suffix
        buffer.text_numbers.clear()
        return stamp(buffer, call)


def sessions_path(path):
    """The sessions' path beside that of ingest: /api/ingest -> /api/sessions."""
    return path.split("?")[0].rstrip("/").rpartition("/")[0] + "/sessions"


class Session:
    """A session of a Plexus client; use it in `with`, or call start() and end()."""

    kind = "session"
    host = session = None
    id = True  # a server that never heard of the start says so at the end

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
        requests = client.session_requests
        if client.session_id is not None:
            raise ValueError("session_id: %r is still open; end it first" % client.session_id)
        behind = suffix(None, self.session_id, None)
        requests.current = owner = self._as_run() if requests.as_runs else self
        set_session(client.buffer, self.session_id, behind, requests.add(owner, None))
        return self

    def end(self):
        client = self._client
        if client.session_id != self.session_id:
            return
        requests = client.session_requests
        behind = suffix(None, None, None)
        set_session(client.buffer, None, behind, requests.add(requests.current or self, 0))
        requests.current = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end()

    async def __aenter__(self):
        return self.start()

    async def __aexit__(self, *_):
        self.end()

    def _as_run(self):
        return load(__name__, "runs").of_session(self, self._client)

    # What SessionRequests asks of it.

    def trouble(self, status):
        return status, self.session_id

    def due(self, call):
        return True

    def ask(self, http, call):
        method = "POST"
        path = sessions_path(http.path)
        if call[_SEQ] is None:
            body = b'{"session_id":' + string_text(self.session_id)
            if self.name is not None:
                body += b',"name":' + string_text(self.name)
            body += b',"source_id":%s,"status":"active"}' % string_text(self._client.source_id)
        else:
            method = "PATCH"
            path += "/" + quoted(self.session_id)
            body = b'{"status":"completed"'
            if call[_HI] >= _KNOWN:
                body += b',"ended_at":"' + iso_time(call[_HI], call[_LO]).encode() + b'"'
            body += b"}"
        return http.request(method, path, (body,), len(body))

    def answered(self, call, status, content):
        if status == 404 and call[_SEQ] is None:
            requests = self._client.session_requests
            try:
                requests.replace(self, self._as_run)
            except MemoryError:
                return FAILED
            requests.as_runs = True
            return _AGAIN
        answer = parse(content)
        if status < 300 and isinstance(answer, dict) and answer.get("success") is not False:
            return CONFIRMED
        if status == 204 or status == 409:  # done without a word; it is there already
            return CONFIRMED
        return judge(status, None, 0)
