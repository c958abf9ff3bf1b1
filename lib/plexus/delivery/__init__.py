"""One request at a time: send the oldest readings, judge the answer, confirm, narrow or wait."""

import json

from ..port import const, load_once
from .verdict import CONFIRMED, FAILED, RATE_LIMITED, REFUSED_READING, TOO_LARGE, judge

# The API's limit on one request, 5 MB; 10,000 points is the client's bound on batch_points.
MAX_BYTES = const(5000000)


def parse(content):
    """The JSON of an answer (bytes), or None."""
    try:
        return json.loads(content)
    except (ValueError, RuntimeError, MemoryError):  # RuntimeError: nested too deep
        return None


class Delivery:
    """Empties a buffer through `http`, request by request, and keeps what stands in the way.

    A batch that the server refuses is narrowed to the reading that is at fault: narrowing.py,
    which is loaded when that happens.
    """

    def __init__(self, http, buffer, body, retry, batch_points):
        self.problem = None  # what was wrong with the last request: see problem.py
        self.status = 0
        self.rejection = None  # (metric, the server's message) of the last refused reading
        self.retry = retry
        self.http = http
        self.buffer = buffer
        self.body = body
        self.maximum = batch_points
        self.batch = batch_points
        self.narrowing = None  # the search for a refused reading that is under way
        self.message = ""  # what the server said last: see problem.py
        self._failure = None  # or why it said nothing: see problem.py
        self._count = self._skip = 0  # what the next measure takes
        self._dated = True

    def step(self, dated):
        """One request with the oldest readings (one or two more to judge a refused one).

        Returns the number confirmed. If none was and that needs time or a person, `problem` is
        set, and `retry` knows when to come again; else go on at once.
        """
        buffer = self.buffer
        body = self.body
        body.torn = False
        before = buffer.confirmed
        narrowing = self.narrowing
        count = (narrowing and narrowing.count()) or self.batch
        if not buffer.ring.pending:
            return buffer.confirmed - before
        verdict = self.post(count, dated, 0)
        self.problem = None
        if verdict == CONFIRMED:
            sent = body.count
            buffer.confirmed += buffer.confirm(body)
            self.retry.succeeded()
            if not (narrowing and narrowing.confirmed(sent)):
                self.narrowing = None
                self.batch = min(self.maximum, self.batch + self.batch // 8 + 1)
            return buffer.confirmed - before
        if verdict == TOO_LARGE and body.count > 1:
            self.batch = body.count // 2
            if narrowing:
                narrowing.next = self.batch
            return 0
        if verdict == REFUSED_READING or verdict == TOO_LARGE:
            try:
                if not narrowing:
                    narrowing = self.narrowing = load_once(__name__, "narrowing").Narrowing(self)
                verdict = narrowing.refused(dated)
            except MemoryError:
                verdict = FAILED  # no room for the search now
            if verdict == CONFIRMED:
                return 0
        elif body.torn:
            return 0  # nobody's fault: on with what is left
        self.problem = (self.status, self.message) if self.status else self._failure
        asked = None
        if verdict == RATE_LIMITED or verdict == FAILED:
            asked = self.http.exchange.retry_after
            if asked:
                asked = load_once(__name__, "http_date").retry_after_ms(
                    asked, self.http.exchange.date
                )
        self.retry.failed(verdict, buffer.ticks_ms(), asked)
        return 0

    def post(self, count, dated, skip):
        """One request with `count` readings behind the first `skip`: its verdict."""
        http = self.http
        self._count = count
        self._dated = dated
        self._skip = skip
        self.status = 0
        self.message = ""
        try:
            status, content = http.request("POST", http.path, self.body, self._measure)
        except OSError as exc:
            self._failure = (0, exc.args[0], exc.args[1])
            return FAILED
        answer = parse(content)
        self.status = status
        verdict = judge(status, answer, self.body.count)
        if verdict != CONFIRMED:
            try:
                message_of = load_once(__name__, "problem").message_of
                self.message = message_of(status, answer, content, http.key)
            except MemoryError:
                pass
        return verdict

    def _measure(self):
        # Only when the connection stands: until then a full ring goes on dropping its oldest.
        self.body.measure(self._count, MAX_BYTES, self._dated, self._skip)
        return self.body.len
