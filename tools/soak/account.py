"""The account of a run: what was sent, what became of it, and whether that is as it must be."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.soak import evidence
from tools.soak.device import series
from tools.soak.device_run import TIMEOUT_MS, Damage
from tools.soak.evidence import Row
from tools.soak.journal import Journal
from tools.soak.kinds import names
from tools.soak.lanes import Lane
from tools.soak.matching import Findings, Matcher, Offsets, shown

# From here on each kind of fault has its turn, and what is loaded with the first fault of a kind is
# there before the memory is looked at.
WHOLE_S = 120
# What one request that is under way, and the journals' lines, take at the moment of a sample. A
# leak of one block of 32 bytes a request is more than that after 200 of them.
MEMORY_BOUND_BYTES = 6144
_COLUMNS = 3


@dataclass
class Evidence:
    """All that a run has left behind.

    summary: what the device said at its end. journals: by source. memory: (epoch ms, bytes in use).
    given: faults of the time servers; those of a lane are with the lane.
    """

    for_s: float
    summary: dict[str, Any]
    journals: dict[str, Journal]
    memory: list[tuple[int, int]]
    lanes: list[Lane]
    rows: list[Row]
    points: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    offsets: Offsets
    given: Counter[str]
    damage: Damage


@dataclass
class Line:
    """One line of the table: a value for each lane. must: "" or what every value has to be."""

    what: str
    values: list[object]
    must: str = ""


@dataclass
class Account:
    """`problems` is empty if all is as it must be."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def text(self, lanes: Iterable[str]) -> str:
        """The table and what follows from it, for a person."""
        head = f"{'':26}" + "".join(f"{lane:>12}" for lane in lanes)
        rows = [
            f"{line.what:26}" + "".join(f"{value:>12}" for value in line.values) + f"   {line.must}"
            for line in self.lines
        ]
        wrong = [f"WRONG: {problem}" for problem in self.problems]
        return "\n".join(row.rstrip() for row in [head, *rows, *self.notes, *wrong])


@dataclass
class _Client:
    """One client's part."""

    lane: Lane
    journal: Journal
    counts: dict[str, Any]
    found: Findings
    session_events: list[tuple[str, str]]
    violations: list[str]

    @property
    def lost(self) -> int:
        """Readings that are confirmed for the device, and that no confirmed request has brought.

        As all that it has sent is confirmed, dropped or refused, none else can be lost untold.
        """
        return max(self.counts["confirmed"] - self.found.confirmable, 0)


def account(left: Evidence) -> Account:
    """What follows from all that a run has left behind."""
    made = Account()
    made.problems += [f"the device failed: {error}" for error in left.summary["errors"]]
    if "clients" in left.summary:
        clients = [_client(left, lane) for lane in left.lanes]
        made.lines = list(_lines(clients))
        for client in clients:
            made.problems += [f"{client.lane.name}: {what}" for what in _problems(client)]
        _add_memory(made, left)
    _add_requests(made, left)
    _add_faults(made, left)
    _add_damage(made, left.damage)
    return made


def _client(left: Evidence, lane: Lane) -> _Client:
    journal = left.journals[lane.source_id]
    rows = evidence.rows_of(lane, left.rows)
    hidden = evidence.hidden(rows)
    doubtful = evidence.doubtful(lane, rows, journal.waits, TIMEOUT_MS)
    alone = evidence.alone(rows)
    matcher = Matcher(lane.source_id, journal, left.offsets, hidden, doubtful, alone)
    ours = {row["id"] for row in rows}
    found = matcher.match(point for point in left.points if point["request_id"] in ours)
    found.wrong += matcher.ends_off(journal, left.sessions)
    return _Client(
        lane,
        journal,
        left.summary["clients"][lane.source_id],
        found,
        evidence.sessions(rows, hidden | doubtful),
        evidence.violations(rows),
    )


def _lines(clients: list[_Client]) -> Iterator[Line]:
    def line(what: str, value: Any, must: str = "") -> Line:
        return Line(what, [value(client) for client in clients], must)

    yield line("sent", lambda c: c.found.sent)
    yield line("stored", lambda c: c.found.stored)
    yield line("dropped and counted", lambda c: c.counts["dropped"])
    yield line("refused, counted, named", lambda c: c.counts["rejected"])
    yield line("lost and not counted", lambda c: c.lost, "must be 0")
    yield line("stored wrong", lambda c: len(c.found.wrong), "must be 0")
    yield line("out of order", lambda c: len(c.found.disordered), "must be 0")
    yield line("repeated as they must be", lambda c: c.found.repeated)
    yield line("doubled for no reason", lambda c: len(c.found.doubled), "must be 0")
    yield line("session starts and ends", lambda c: len(c.session_events))
    yield line("violations of the contract", lambda c: len(c.violations), "must be 0")
    yield line("farthest timestamp, ms", lambda c: c.found.farthest_ms)
    yield line("faults given", lambda c: sum(c.lane.given.values()))


def _problems(client: _Client) -> Iterator[str]:
    found, counts = client.found, client.counts
    if client.lost:
        yield f"{client.lost} readings are lost and not counted: {dict(found.by_metric)}"
    more = found.confirmed - counts["confirmed"]
    if more > 0:
        yield f"{more} readings are not counted as confirmed, though they were"
    told = counts["confirmed"] + counts["rejected"] + counts["dropped"] + counts["pending"]
    if told != found.sent:
        yield f"{found.sent} readings were sent, and the client has counted {told}"
    if counts["pending"]:
        yield f"{counts['pending']} readings were not delivered to the end: {counts['status']}"
    yield from shown(found.wrong)
    yield from shown(found.disordered)
    yield from shown(found.doubled)
    yield from shown(client.violations)
    yield from _poison_problems(client)
    yield from _session_problems(client)


def _poison_problems(client: _Client) -> Iterator[str]:
    sent = sum(sent.metric in series.POISON for sent in client.journal.sent)
    gone = sum(client.found.by_metric[metric] for metric in series.POISON)
    if gone != sent:
        yield f"{sent - gone} readings that the server refuses are stored"
    for rejection in client.journal.rejections:
        if rejection.count != 1 or rejection.metric not in series.POISON:
            yield f"refused, and not named as what it is: {rejection}"
    rejected = client.counts["rejected"]
    if rejected != len(client.journal.rejections):
        yield f"{rejected} readings are counted as refused, {len(client.journal.rejections)} named"
    if not client.counts["dropped"] and rejected != sent:
        yield f"{sent} readings were to be refused, {rejected} are counted as that"


def _session_problems(client: _Client) -> Iterator[str]:
    expected = [(event.what, event.session_id) for event in client.journal.sessions]
    if client.session_events != expected:
        yield f"sessions came as {client.session_events}, not as {expected}"
    for name in ("sessions_waiting", "sessions_dropped"):
        if client.counts[name]:
            yield f"{name}: {client.counts[name]}"


def _add_requests(made: Account, left: Evidence) -> None:
    others = [row for row in left.rows if not any(lane.has(row["path"]) for lane in left.lanes)]
    made.problems += shown(evidence.violations(others))


def _add_memory(made: Account, left: Evidence) -> None:
    samples = left.memory
    quarter = len(samples) // 4
    if not quarter:
        return
    # The least of each: what a request takes for a moment is no leak.
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    before, after = (min(size for _, size in part) for part in (second, last))
    middle = statistics.median(size for _, size in samples)
    made.notes.append(
        f"heap in use, bytes: {before} in the second quarter, {after} in the last, "
        f"median {middle:.0f}"
    )
    if left.for_s >= WHOLE_S and after - before > MEMORY_BOUND_BYTES:
        made.problems.append(
            f"the heap has grown by {after - before} bytes, more than {MEMORY_BOUND_BYTES}"
        )


def _add_faults(made: Account, left: Evidence) -> None:
    given = sum((lane.given for lane in left.lanes), Counter(left.given))
    counts = [f"{given[name]:4} {name}" for name in names()]
    made.notes.append(f"{given.total()} faults of {sum(map(bool, given.values()))} kinds:")
    height = -(-len(counts) // _COLUMNS)
    for at in range(height):
        made.notes.append("  ".join(f"{text:38}" for text in counts[at::height]))
    missing = [name for name in names() if not given[name]]
    if missing and left.for_s >= WHOLE_S:
        made.problems.append(f"never given: {', '.join(missing)}")


def _add_damage(made: Account, damage: Damage) -> None:
    ends = ", ".join(f"{number} {end}" for end, number in sorted(damage.ends.items()))
    made.notes.append(
        f"{damage.cases} starts with damaged files: {ends} ({damage.crashed} after crashes)"
    )
    if not damage.cases:
        made.problems.append("no start with damaged files was tried")
    made.problems += [f"a start with damaged files: {failure}" for failure in damage.failures]
