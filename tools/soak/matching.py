"""Finds for each reading that was sent what the server has of it, and what is wrong with that."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tools.soak.device import series
from tools.soak.journal import Journal, Sent, SessionEvent

# How far a reading's time may be from when send() was called, beside what the time servers said:
# half of the round trip to them, on a machine that is busy with other things, or the 0.5 s of an
# HTTP date where they are slower than the client waits. They step by more, and a mistake of the
# client's would be one of seconds or days.
TOLERANCE_MS = 1000
_SHOWN = 5
_UNSET = object()

Offsets = Sequence[tuple[int, int]]  # (since, ms from the true time), see clocks.py


@dataclass
class Findings:
    """What became of one client's readings. The texts are what must not be, a few of each kind."""

    sent: int = 0
    stored: int = 0  # readings; a repeated one counts once
    repeated: int = 0  # deliveries of what an earlier request may have stored unknown to the client
    confirmable: int = 0  # readings that came in a request whose answer may have told so,
    confirmed: int = 0  # and those of whom it surely did
    by_metric: Counter[str] = field(default_factory=Counter)  # those that are not on the server
    farthest_ms: int = 0  # of any timestamp from where it should be
    wrong: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)


class Matcher:
    """What one client sent, beside what the server stored.

    hidden, doubtful: ids of requests whose answer did not tell the client that they had stored, or
    may not have. alone: ids of requests of one reading that followed a refusal: what is sought then
    goes out of order.
    """

    def __init__(
        self,
        source_id: str,
        journal: Journal,
        offsets: Offsets,
        hidden: set[int],
        doubtful: set[int],
        alone: set[int],
    ) -> None:
        self._source_id = source_id
        self._offsets = offsets
        self._hidden = hidden
        self._unsure = hidden | doubtful
        self._alone = alone
        self._sent: dict[Hashable, Sent] = {}
        for sent in journal.sent:
            self._sent[self._identity_of(sent)] = sent
        self.findings = Findings(sent=len(journal.sent))
        if len(self._sent) != len(journal.sent):
            raise ValueError("two readings of the plan cannot be told apart")

    def match(self, points: Iterable[dict[str, Any]]) -> Findings:
        """points: the server's, in the order of their arrival."""
        found = self.findings
        deliveries: dict[Sent, list[int]] = defaultdict(list)
        newest: dict[str, int] = {}
        for point in points:
            sent = self._sent.get(_identity(point))
            if sent is None:
                found.wrong.append(f"nothing like this was sent: {_brief(point)}")
                continue
            requests = deliveries[sent]
            if not requests:
                found.wrong += [f"{what}: {_brief(point)}" for what in self._faults(sent, point)]
                if sent.serial > newest.get(sent.metric, -1):
                    if point["request_id"] not in self._alone:
                        newest[sent.metric] = sent.serial
                else:
                    found.disordered.append(
                        f"{sent.metric} {sent.serial} came after {newest[sent.metric]}"
                    )
            elif requests[-1] in self._unsure:
                found.repeated += 1
            else:
                found.doubled.append(
                    f"{sent.metric} {sent.serial} came in requests {requests[-1]} and "
                    f"{point['request_id']}"
                )
            requests.append(point["request_id"])
        found.stored = len(deliveries)
        for ids in deliveries.values():
            found.confirmable += not self._hidden.issuperset(ids)
            found.confirmed += not self._unsure.issuperset(ids)
        found.by_metric.update(
            sent.metric for sent in self._sent.values() if sent not in deliveries
        )
        return found

    def _options_of(self, sent: Sent) -> dict[str, Any]:
        return series.options_of(sent.metric, sent.serial, self._source_id)

    def _identity_of(self, sent: Sent) -> Hashable:
        options = self._options_of(sent)
        value = series.value_of(
            sent.metric, sent.serial, lambda number, digits: number / 10**digits
        )
        return sent.metric, canonical(value), _explicit(options), _number_tag(options.get("tags"))

    def _faults(self, sent: Sent, point: dict[str, Any]) -> list[str]:
        options = self._options_of(sent)
        faults = []
        if point["source_id"] != options.get("source_id", self._source_id):
            faults.append("another source")
        session = point["session_id"]
        if session not in sent.sessions:
            faults.append(f"another session than {set(sent.sessions)}")
        tags = dict(options.get("tags", {}))
        if session is not None:
            tags["session_id"] = session
        if (point["tags"] or {}) != tags:
            faults.append(f"other tags than {tags}")
        if "timestamp" not in options:
            off_ms = self.off_ms(sent, point["timestamp_ms"])
            self.findings.farthest_ms = max(self.findings.farthest_ms, off_ms)
            if off_ms > TOLERANCE_MS:
                faults.append(f"dated {off_ms} ms off, sent at {sent.began_ms}")
        return faults

    def off_ms(self, event: Sent | SessionEvent, at_ms: int) -> int:
        """By how much a time is outside of what it may be; 0 if it is inside.

        A clock that was told to step may have any time that both servers had said till then.
        """
        best = None
        for since_ms, offset_ms in self._offsets:
            if since_ms > event.ended_ms + TOLERANCE_MS:
                break
            early = event.began_ms + offset_ms - at_ms
            late = at_ms - event.ended_ms - offset_ms
            off_ms = max(early, late, 0)
            best = off_ms if best is None else min(best, off_ms)
        return best or 0

    def ends_off(self, journal: Journal, rows: Iterable[dict[str, Any]]) -> list[str]:
        """Sessions whose end is dated wrongly. rows: the server's sessions."""
        ended = {row["session_id"]: row["ended_at"] for row in rows}
        wrong = []
        for event in journal.sessions:
            text = ended.get(event.session_id)
            if event.what == "end" and text is not None:
                at_ms = round(datetime.fromisoformat(text).timestamp() * 1000)
                off_ms = self.off_ms(event, at_ms)
                if off_ms > TOLERANCE_MS:
                    wrong.append(f"the end of {event.session_id} is dated {off_ms} ms off")
        return wrong


def canonical(value: Any) -> Hashable:
    """A JSON value so that equal ones are equal, and a boolean is no number."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (list, tuple)):
        return ("array", tuple(map(canonical, value)))
    if isinstance(value, dict):
        return ("object", frozenset((key, canonical(item)) for key, item in value.items()))
    return (type(value) is str, value)


def shown(texts: list[str]) -> list[str]:
    """The first few, and how many more there are."""
    more = [f"... and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return texts[:_SHOWN] + more


def _identity(point: dict[str, Any]) -> Hashable:
    metric = point["metric"]
    explicit = point["timestamp_ms"] if metric in series.EXPLICIT else None
    return metric, canonical(point["value"]), explicit, _number_tag(point["tags"])


def _explicit(options: dict[str, Any]) -> int | None:
    timestamp = options.get("timestamp")
    if timestamp is None:
        return None
    return timestamp if timestamp >= 10**12 else timestamp * 1000


def _number_tag(tags: dict[str, str] | None) -> str | None:
    return (tags or {}).get("n")


def _brief(point: dict[str, Any]) -> str:
    kept = ("id", "request_id", "metric", "value", "timestamp_ms", "tags", "session_id")
    return str({name: point[name] for name in kept})[:300]
