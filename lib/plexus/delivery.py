"""One request at a time: send the oldest readings, judge the answer, confirm, narrow or wait."""

import json

from ._port import const, micropython
from .retry import CONFIRMED, FAILED, RATE_LIMITED, REFUSED, REFUSED_READING, TOO_LARGE, judge

# The API's limit on one request, 5 MB; 10,000 points is the client's bound on batch_points.
_MAX_BYTES = const(5000000)
_MAX_WORDS = const(120)


def parse(content):
    """The JSON of an answer (bytes), or None."""
    try:
        return json.loads(content)
    except (ValueError, RuntimeError, MemoryError):  # RuntimeError: nested too deep
        return None


def _message(answer, status):
    # The server's own words in an answer, cut to a bound: None if it is no JSON object.
    if not isinstance(answer, dict):
        return None
    words = answer.get("error") or answer.get("message")
    if status < 300:
        words = "count %s" % answer.get("count")
    return words[:_MAX_WORDS] if isinstance(words, str) else ""


def _index(message):
    # i of "points[i]" in the server's message, or -1.
    _, found, rest = (message or "").partition("points[")
    number = rest.partition("]")[0]
    try:
        return int(number) if found and len(number) < 6 else -1
    except ValueError:
        return -1


class Delivery:
    """Empties a buffer through `http`, request by request, and keeps what stands in the way.

    A reading that the server refuses is found by narrowing: the message may name it, else the
    batch is halved, until it goes alone. It is dropped only when something shows that the reading
    is at fault and not the request as such.
    """

    def __init__(self, http, buffer, body, retry, batch_points):
        self.confirmed = 0
        self.rejected = 0
        self.problem = None  # what was wrong with the last request: see words.py
        self.status = 0
        self.rejection = None  # (metric, the server's message) of the last refused reading
        self.retry = retry
        self._http = http
        self._buffer = buffer
        self._body = body
        self._most = batch_points
        self._batch = batch_points
        self._suspects = 0  # so many of the oldest readings hold one that is refused
        self._next = 0  # how many of them go next, 0: no narrowing
        self._named = False  # the server named the refused one,
        self._turn = False  # and that one goes next
        self._count = self._skip = 0  # what the next measure takes
        self._dated = True
        self._proven = False  # some of the batch that was refused have passed
        self._message = ""  # what the server said last
        self._failure = None  # or why it said nothing: see words.py
        self._passed = -1

    @micropython.native
    def step(self, dated):
        """One request with the oldest readings (one or two more to judge a refused one).

        Returns the number confirmed. If none was and that needs time or a person, `problem` is
        set, and `retry` knows when to come again; else go on at once.
        """
        ring = self._buffer.ring
        if not ring.pending:
            return 0
        body = self._body
        body.torn = False
        verdict = self._post(self._next or self._batch, dated, 0)
        sent = body.count
        seq = body.start
        self.problem = None
        if verdict == CONFIRMED:
            return self._confirm(sent)
        message = self._message
        if verdict == REFUSED_READING or verdict == TOO_LARGE:
            if sent > 1:
                self._narrow(sent, verdict, message)
                return 0
            verdict = self._blame(message, dated)
            if verdict == REFUSED_READING:
                self._reject(seq, message, dated)
                return 0
        elif body.torn:
            return 0  # nobody's fault: on with what is left
        self.problem = (self.status, self._message) if self.status else self._failure
        asked = None
        if verdict == RATE_LIMITED or verdict == FAILED:
            asked = self._http.wire.retry_after_ms()
        self.retry.failed(verdict, self._buffer.ticks_ms(), asked)
        return 0

    @micropython.native
    def _post(self, count, dated, skip):
        # One request with `count` readings behind the first `skip`: its verdict.
        http = self._http
        self._count = count
        self._dated = dated
        self._skip = skip
        self.status = 0
        self._message = ""
        try:
            status, content = http.request("POST", http.path, self._body, self._measure)
        except OSError as exc:
            self._failure = (0, exc.args[0], exc.args[1])
            return FAILED
        answer = parse(content)
        self.status = status
        self._message = _message(answer, status)
        return judge(status, answer, self._body.count)

    def _measure(self):
        # Only when the connection stands: until then a full ring goes on dropping its oldest.
        self._body.measure(self._count, _MAX_BYTES, self._dated, self._skip)
        return self._body.len

    def _confirm(self, sent):
        self._buffer.confirm(self._body)
        self.confirmed += sent
        self.retry.succeeded()
        self._proven = self._suspects > 0
        if self._suspects > sent:
            # What was in front of the refused reading has passed: on to the rest.
            self._suspects -= sent
            if self._turn:
                self._named = False  # it was not the one
            self._turn = self._named
            self._next = 1 if self._named else max(1, self._suspects // 2)
        else:
            self._suspects = self._next = 0
            self._batch = min(self._most, self._batch + self._batch // 8 + 1)
        return sent

    def _metric(self):
        # The metric of the one reading that was measured: None if there is no memory to tell.
        try:
            text = b"".join([bytes(piece) for piece in self._body])
        except (MemoryError, OSError):  # OSError: a full ring has just dropped it
            return None
        request = parse(text)
        return request["points"][0]["metric"] if request else None

    def _narrow(self, sent, verdict, message):
        if verdict == TOO_LARGE:
            self._batch = self._next = sent // 2
            return
        index = _index(message)
        self._named = 0 <= index < sent
        self._turn = index == 0
        self._suspects = sent
        self._next = (index or 1) if self._named else sent // 2

    def _blame(self, message, dated):
        # The verdict on a refusal of one reading: REFUSED_READING if it is the reading's fault. A
        # server that names point 0 of a request of one means it, and so does one that took others
        # of the same batch. Otherwise it shows whether it refuses us altogether by what it says
        # to a request with no reading, and if it refuses that as well, to a few others alone.
        self._passed = -1
        if _index(message) == 0 or self._proven:
            self._proven = False
            return REFUSED_READING
        status = self.status
        for skip in (0, 1, 2, 4, 8, 16):
            if skip >= self._buffer.ring.pending:
                break
            verdict = self._post(1 if skip else 0, dated, skip)
            if verdict == CONFIRMED:
                if skip:
                    self._passed = self._body.start
                return REFUSED_READING
            if verdict == FAILED or verdict == RATE_LIMITED:
                return verdict
        self.status = status
        self._message = message
        return REFUSED

    def _reject(self, seq, message, dated):
        # Drop the refused reading, and name it; then the one that passed to show its fault.
        body = self._body
        if body.measure(1, _MAX_BYTES, dated) and body.start == seq:
            self.rejection = (self._metric(), message)
            self.rejected += self._buffer.confirm(body)
        if body.measure(1, _MAX_BYTES, dated) and body.start == self._passed:
            self.confirmed += self._buffer.confirm(body)
        self.retry.succeeded()
        self._suspects = self._next = 0
