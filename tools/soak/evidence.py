"""What the server's record of requests proves: which answers were hidden, and what broke rules."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from tools.soak.kinds import HIDING
from tools.soak.lanes import Lane, label_of

# What the server may still read of a connection that was reset.
_AFTER_MS = 300
_OK = 200
_BAD_REQUEST = 400
_SESSION = re.compile(r"session (\S+) (active|completed) stored")
# Remarks of the contract on what it accepts, see tools/mock_server/contract.py.
_REMARKS = ("ignored fields", "dated before 2000", "session_id is not stored")
_POISONED = "metric is not allowed"

Row = dict[str, Any]


def rows_of(lane: Lane, rows: Iterable[Row]) -> list[Row]:
    """The requests that came over a lane, in their order: there is one at a time."""
    return [row for row in rows if lane.has(row["path"])]


def hidden(rows: Sequence[Row]) -> set[int]:
    """Ids of requests whose fault hides from the client that they have stored."""
    return {row["id"] for row in rows if label_of(row) in HIDING}


def doubtful(
    lane: Lane, rows: Sequence[Row], waits: Iterable[tuple[int, int]], timeout_ms: int
) -> set[int]:
    """Ids of a lane's requests of which nobody can say whether the client has got the answer.

    Those are the last one before the connections were reset; and those for whose answer the client
    waited in vain to the end of its time, as on a busy machine.
    """
    ids: set[int] = set()
    for began_ms, ended_ms in lane.kills:
        before = [row["id"] for row in rows if row["received_ms"] < began_ms]
        ids.update(before[-1:])
        ids.update(
            row["id"] for row in rows if began_ms <= row["received_ms"] <= ended_ms + _AFTER_MS
        )
    for began_ms, ended_ms in waits:
        if ended_ms - began_ms >= timeout_ms - 1:
            ids.update(row["id"] for row in rows if began_ms <= row["received_ms"] <= ended_ms)
    return ids


def alone(rows: Sequence[Row]) -> set[int]:
    """Ids of requests with one reading that came right after a refused one."""
    return {
        row["id"]
        for before, row in pairwise(rows)
        if row["points"] == 1 and before["status"] == _BAD_REQUEST
    }


def sessions(rows: Iterable[Row], unsure: set[int]) -> list[tuple[str, str]]:
    """(what, session) of the starts and ends that were stored, in order.

    One that came again as the client could not know of the first (`unsure`: ids) counts once.
    """
    found: list[tuple[str, str]] = []
    latest = 0
    for row in rows:
        match = _SESSION.search(row["verdict"])
        if match is None:
            continue
        event = ("start" if match[2] == "active" else "end", match[1])
        if not (found and found[-1] == event and latest in unsure):
            found.append(event)
        latest = row["id"]
    return found


def violations(rows: Iterable[Row]) -> list[str]:
    """Requests by which the client broke the contract, and a key that went where it must not."""
    return [
        f"request {row['id']}, {row['method']} {row['path']}: {row['verdict']}"
        for row in rows
        if _breaks(row)
    ]


def _breaks(row: Row) -> bool:
    verdict: str = row["verdict"]
    if row["path"] == "/":  # for the date alone, to a server that is not verified
        return row["method"] != "HEAD" or row["key"] != "missing"
    if row["key"] != "accepted" or any(remark in verdict for remark in _REMARKS):
        return True
    return verdict.startswith("refused: ") and _POISONED not in verdict
