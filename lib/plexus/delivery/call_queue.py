"""The requests of sessions and runs: a queue in which they wait until they pass."""

import time

from ..port import const, load_once, ticks_diff
from .verdict import CONFIRMED, FAILED, REFUSED_READING, TOO_LARGE

_WAITING = const(32)
# A call is [owner, seq, hi, lo, refused, unseen]: the Session or Run whose start or end it is; of
# an end the number of the reading after it, else None; its time; None, or (ticks, readings
# confirmed till then) of its first refusal; None, or readings confirmed till its last 404.
_OWNER = const(0)
_SEQ = const(1)
_HI = const(2)
_LO = const(3)
_REFUSED = const(4)
_UNSEEN = const(5)
_AGAIN_MS = const(1000)
# What answered() says beside the verdicts of verdict.py.
_GIVE_UP = const(6)
_AGAIN = const(7)  # the call has another owner now
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_EPOCH = 0 if time.gmtime(0)[0] == 1970 else 946684800  # s from 1970 to the board's epoch


def iso_time(hi, lo):
    """Epoch ms hi * 10^6 + lo as RFC 3339 UTC text with milliseconds."""
    t = time.gmtime(hi * 1000 + lo // 1000 - _EPOCH)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (tuple(t[:6]) + (lo % 1000,))


def quoted(text):
    """A path segment, percent-encoded (RFC 3986 section 2.1)."""
    return "".join(chr(b) if b in _PLAIN else "%%%02X" % b for b in text.encode())


def stamp(buffer, call):
    """The time (hi, lo) and the number of the next reading, also for a call; under the lock."""
    clock = buffer.clock
    clock.split(buffer.ticks_ms())
    if call:
        call[_HI] = clock.hi
        call[_LO] = clock.lo
        if call[_SEQ] is not None:
            call[_SEQ] = buffer.ring.next
    return clock.hi, clock.lo, buffer.ring.next


class SessionRequests:
    """The requests of sessions and runs that still have to pass, oldest first: at most 32.

    A further one lets go of the oldest, which is counted: readings carry their session anyway.
    An owner of calls is a Session or a Run. `kind` is its name for people, and trouble(status) what
    an answer means to it, in words or as problem.py takes it. Its `id` is false while it has none
    to be ended by; its `host` is None unless its requests go to another; its `session` that of
    which it was made. due(call) is whether a call can be made, ask(http, call) makes it,
    answered(call, status, content) is the verdict.
    """

    def __init__(self, retry):
        self._retry = retry
        self._calls = []
        self._problem = None  # (owner, what was wrong with the last one: see trouble())
        self.dropped = 0
        self.current = None  # the owner of the calls of the session that is open
        self.as_runs = False  # the server has no sessions

    def __bool__(self):
        return bool(self._calls or self.dropped or self._problem)

    @property
    def waiting(self):
        """Requests that have not passed yet."""
        return len(self._calls)

    def add(self, owner, seq):
        """A call: a start (seq None), or an end (0), that stamp() or set_session() has to date."""
        if len(self._calls) == _WAITING:
            self._calls.pop(0)
            self.dropped += 1
        call = [owner, seq, None, None, None, None]
        self._calls.append(call)
        return call

    def replace(self, owner, other):
        """Another takes the place of an owner: `other()` gives one for each of its starts."""
        new = None
        for call in self._calls:
            if call[_OWNER] is owner:
                if call[_SEQ] is None or not new:
                    new = other()
                call[_OWNER] = new
        if self.current is owner:
            self.current = new

    def date(self, hi, lo):
        """The clock is known now: move the times that it gave before by hi * 10^6 + lo ms."""
        for call in self._calls:
            if call[_HI] is not None:
                carry, call[_LO] = divmod(call[_LO] + lo, 1000000)
                call[_HI] += hi + carry

    def send(self, http, buffer):
        """Make the requests that are due. An end waits until the readings before it have gone.

        One that is refused is made again, and given up when it is refused at another time, while
        the server takes readings. Meanwhile those of other sessions and runs pass it.
        """
        ticks_ms = buffer.ticks_ms
        held = []
        failed = False
        calls = list(self._calls)  # another thread may add to them
        while calls and not self._retry.wait_ms(ticks_ms()):
            call = calls[0]
            owner = call[_OWNER]
            seq = call[_SEQ]
            if seq is not None and (call[_HI] is None or buffer.left(seq)):
                break
            if call not in self._calls or owner in held:
                calls.pop(0)
                continue
            verdict = _GIVE_UP  # an end whose start has not passed
            if seq is None or owner.id:
                if call[_UNSEEN] == buffer.confirmed or not owner.due(call):
                    held.append(owner)
                    continue
                try:
                    status, content = owner.ask(http, call)
                except OSError as exc:
                    self._problem = (owner, (0,) + exc.args)
                    self._retry.failed(FAILED, ticks_ms())
                    return
                verdict = owner.answered(call, status, content)
                if verdict == _AGAIN:
                    continue
                self._problem = None
                if verdict != CONFIRMED:
                    self._problem = (owner, owner.trouble(status))
                if status == 404 and seq is not None:  # never made: no try will change it
                    verdict = CONFIRMED
            if verdict == REFUSED_READING or verdict == TOO_LARGE:
                now = ticks_ms()
                since, confirmed = call[_REFUSED] or (now, buffer.confirmed)
                call[_REFUSED] = since, confirmed
                if ticks_diff(now, since) >= _AGAIN_MS and buffer.confirmed != confirmed:
                    verdict = _GIVE_UP
                elif status == 404:  # that waits for a reading, not for time
                    call[_UNSEEN] = buffer.confirmed
                else:
                    failed = True
                if status == 404 and owner.session:
                    # Has it sessions after all? The next try shows it.
                    self.as_runs = False
                    self.replace(owner, lambda session=owner.session: session)
                if verdict != _GIVE_UP:
                    held.append(call[_OWNER])
                    continue
            if verdict == _GIVE_UP:
                self.dropped += 1
            elif verdict > TOO_LARGE:
                asked = http.exchange.retry_after
                if asked:
                    asked = load_once(__name__, "http_date").retry_after_ms(
                        asked, http.exchange.date
                    )
                self._retry.failed(verdict, ticks_ms(), asked)
                return
            elif not failed:
                self._retry.succeeded()
            if call in self._calls:
                self._calls.remove(call)
        if failed:
            self._retry.failed(FAILED, ticks_ms())

    def status(self, host):
        """What `Plexus.status` says of the sessions and runs."""
        message = "; %d session/run requests wait" % len(self._calls) if self._calls else ""
        if self.dropped:
            message += "; %d session/run requests dropped" % self.dropped
        problem = self._problem  # taken once: another thread may be delivering
        if not problem:
            return message
        owner, trouble = problem
        if not isinstance(trouble, str):
            trouble = load_once(__name__, "problem").problem(trouble, owner.host or host)
        return message + "; %s: %s" % (owner.kind, trouble)
