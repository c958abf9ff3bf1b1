"""What an answer means, and from that when to try again; never sleeps."""

from ..port import const, ticks_diff

# Verdicts. After CONFIRMED and the two that shrink the batch the next try is at once.
CONFIRMED = const(0)
REFUSED_READING = const(1)  # 400: some reading in it is bad
TOO_LARGE = const(2)  # 413: half of it may pass
RATE_LIMITED = const(3)  # 429
FAILED = const(4)  # network, 5xx, an answer that acknowledges nothing
REFUSED = const(5)  # 401, 402, 403, 404, 410 ...: someone has to do something

_BASE_MS = const(1000)
_CAP_MS = const(60000)
_REFUSED_BASE_MS = const(30000)
_REFUSED_CAP_MS = const(900000)


def stored(answer, sent):
    """How many of `sent` readings the answer to a success calls stored; None: it says nothing."""
    if isinstance(answer, dict) and answer.get("success") is True:
        count = answer.get("count")
        if type(count) is int and count >= 0 and answer.get("persisted") is not False:
            return min(count, sent)
    return None


def judge(status, answer, sent):
    """The verdict on an answer to `sent` readings; `answer`: its JSON, None if it is none.

    What a limit of the server's has discarded for good, the answer's `dropped`, is not wanted
    again.
    """
    if 200 <= status < 300:
        count = stored(answer, sent)
        if count is not None:
            dropped = answer.get("dropped")
            if count + (dropped if type(dropped) is int else 0) >= sent:
                return CONFIRMED
        return FAILED
    if status == 400:
        return REFUSED_READING
    if status == 413:
        return TOO_LARGE
    if status == 429:
        return RATE_LIMITED
    if status >= 500 or status == 408 or status == 425 or 300 <= status < 400:
        return FAILED
    return REFUSED


class Retry:
    """When to try next: exponential back-off with full jitter, or as long as the server asks.

    Full jitter: the wait is drawn evenly from 0 to the bound, so that a fleet that lost its
    server together does not come back together.
    """

    def __init__(self, random):
        """`random(n)` gives n random bytes, as os.urandom does."""
        self._random = random
        self._failures = 0
        self._wait_ms = 0
        self._since = 0

    def succeeded(self):
        self._failures = 0
        self._wait_ms = 0

    def failed(self, verdict, ticks_ms, asked_ms=None):
        """Set the next try; `asked_ms` is the server's Retry-After."""
        base, cap = _BASE_MS, _CAP_MS
        if verdict == REFUSED:
            base, cap = _REFUSED_BASE_MS, _REFUSED_CAP_MS
        bound = min(cap, base << min(self._failures, 10))
        self._failures += 1
        wait = int.from_bytes(self._random(3), "big") % (bound + 1)
        if asked_ms:
            # Spread over a tenth more: all who were told the same come at different times.
            wait = asked_ms + wait % (asked_ms // 10 + 1)
        self._wait_ms = wait
        self._since = ticks_ms

    def wait_ms(self, ticks_ms):
        """Milliseconds until the next try: 0 if it is due."""
        if self._wait_ms and ticks_diff(ticks_ms, self._since) >= self._wait_ms:
            self._wait_ms = 0
        return self._wait_ms and self._wait_ms - ticks_diff(ticks_ms, self._since)
