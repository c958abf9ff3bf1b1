"""One request at a time: send the oldest readings, judge the answer, confirm, narrow or wait."""

import json

from ..port import const, load_once
from .verdict import CONFIRMED, FAILED, RATE_LIMITED, REFUSED_READING, TOO_LARGE, judge, stored

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

    A batch that the server refuses is narrowed to the reading that is at fault (narrowing.py), and
    one that it stores a part of to the source that is over a limit (limits.py). Both are loaded
    when that happens.
    """

    def __init__(self, http, buffer, body, retry, batch_points):
        self.problem = None  # what was wrong with the last request: see problem.py
        self.status = 0
        self.rejection = None  # (metric, the server's message) of the last refused reading
        self.retry = retry
        self.http = http
        self.buffer = buffer
        self.body = self._body = body
        self.maximum = batch_points
        self.batch = batch_points
        self.narrowing = None  # the search for a refused reading that is under way
        self.limits = None  # and that for a source that is over a limit
        self.limited = None  # (source, ticks) of the last one that was found
        self.stored = None  # see verdict.stored()
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
        if not body._ring.pending:
            return buffer.confirmed - before
        limits = self.limits
        verdict = limits.step(dated) if limits else self.post(count, dated, 0)
        self.problem = None
        if limits:
            if verdict == REFUSED_READING or verdict == TOO_LARGE:
                self.limits = None  # that comes first, with the whole batch
                verdict = CONFIRMED
        elif verdict == CONFIRMED:
            sent = body.count
            self.confirm(sent - self.stored)
            self.retry.succeeded()
            if not (narrowing and narrowing.confirmed(sent)):
                self.narrowing = None
                self.batch = min(self.maximum, self.batch + self.batch // 8 + 1)
        elif verdict == FAILED and self.stored is not None and self._has_limits(0):
            self.narrowing = None
            return 0
        if verdict == CONFIRMED:
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

    def confirm(self, discarded):
        """Let go of the readings in `body`; so many of them the server did not keep."""
        if discarded:
            self._has_limits(discarded)
        buffer = self.buffer
        buffer.confirmed += buffer.confirm(self.body) - discarded
        buffer.discarded += discarded

    def _has_limits(self, discarded):
        # See limits.limits(); without memory for it the batch waits, and goes again as it is.
        try:
            self.limits = load_once(__name__, "limits").limits(self, discarded)
        except MemoryError:
            pass
        return self.limits

    def post(self, count, dated, skip, body=None):
        """One request with `count` readings behind the first `skip`: its verdict.

        body: in place of the usual one. After it `stored` is what verdict.stored() says of the
        answer, None if there was none.
        """
        http = self.http
        body = self._body = body or self.body
        self.stored = None
        self._count = count
        self._dated = dated
        self._skip = skip
        self.status = 0
        self.message = ""
        try:
            status, content = http.request("POST", http.path, body, self._measure)
        except OSError as exc:
            self._failure = (0, exc.args[0], exc.args[1])
            return FAILED
        answer = parse(content)
        self.status = status
        verdict = judge(status, answer, body.count)
        if status < 300:
            self.stored = stored(answer, body.count)
        if verdict != CONFIRMED:
            try:
                message_of = load_once(__name__, "problem").message_of
                self.message = message_of(status, answer, content, http.key)
            except MemoryError:
                pass
        return verdict

    def _measure(self):
        # Only when the connection stands: until then a full ring goes on dropping its oldest.
        self._body.measure(self._count, MAX_BYTES, self._dated, self._skip)
        return self._body.len
