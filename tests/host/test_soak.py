"""`make soak`: it accounts for every reading through all kinds of faults, and is able to fail."""

import copy
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tools.__main__ import main
from tools.mock_server.points import Point
from tools.mock_server.store import Store
from tools.soak import evidence, kinds, stage
from tools.soak.account import MEMORY_BOUND_BYTES, WHOLE_S, Evidence, account
from tools.soak.device import series
from tools.soak.device_run import Damage
from tools.soak.journal import Rejection
from tools.soak.kinds import HTTP
from tools.soak.lanes import Lane
from tools.soak.matching import TOLERANCE_MS, canonical

SEED = 7
SOURCE = "soak-http"
Spoil = Callable[[list[Point]], list[Point]]


def test_a_short_soak_accounts_for_every_reading(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["soak", "--for", "15", "--seed", str(SEED)])
    text = capsys.readouterr().out
    assert status == 0, text
    assert f"seed {SEED}" in text
    assert text.rstrip().endswith("all is accounted for")
    lines = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()}
    assert all(int(sent) > 0 for sent in lines["sent"])
    assert lines["lost and not counted"] == lines["doubled for no reason"] == ["0", "0"]
    assert all(int(given) > 0 for given in lines["faults given"])


def test_a_soak_that_is_too_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", "--for", "1"]) == 2
    assert "--for takes 5 or more" in capsys.readouterr().out


# --- a server that is at fault: the command says so, and exits with 1 ---------------------------


def lose(points: list[Point]) -> list[Point]:
    return points[1:]


def double(points: list[Point]) -> list[Point]:
    return [points[0], *points]


def change(points: list[Point]) -> list[Point]:
    return [dataclasses.replace(points[0], value="changed"), *points[1:]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lose, "1 readings are lost and not counted"),
        (double, "came in requests"),
        (change, "nothing like this was sent"),
    ],
)
def test_a_server_that_spoils_one_confirmed_reading_is_told(
    spoil: Spoil,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add_points = Store.add_points
    spoilt: list[int] = []

    def add(self: Store, request_id: int, points: Iterable[Point], received_ms: int) -> None:
        kept = list(points)
        # What comes twice because its first answer was lost is no fault: each of them is doubled.
        if kept and (spoil is double or not spoilt):
            spoilt.append(request_id)
            kept = spoil(kept)
        add_points(self, request_id, kept, received_ms)

    monkeypatch.setattr(Store, "add_points", add)
    assert main(["soak", "--for", "5", "--seed", "1"]) == 1
    text = capsys.readouterr().out
    assert words in text
    assert "problems" in text.splitlines()[-1]


# --- what a run has left behind, with something changed: the account says so --------------------


@pytest.fixture(scope="module")
def recorded() -> Evidence:
    return stage.record(6, SEED)


@pytest.fixture
def left(recorded: Evidence) -> Evidence:
    """A run's evidence, for the test to spoil."""
    lanes = [copy.copy(lane) for lane in recorded.lanes]
    rest = dataclasses.replace(recorded, lanes=[])
    return dataclasses.replace(copy.deepcopy(rest), lanes=lanes)


def problems(left: Evidence) -> str:
    return "\n".join(account(left).problems)


def points_of(left: Evidence, metric: str) -> list[dict[str, Any]]:
    """Those of the http client that came once, in their order."""
    points = [p for p in left.points if (p["metric"], p["source_id"]) == (metric, SOURCE)]
    values = Counter(repr(point["value"]) for point in points)
    return [point for point in points if values[repr(point["value"])] == 1]


def true_row(left: Evidence) -> dict[str, Any]:
    """A request of the http client that was answered as it should be."""
    lane = left.lanes[0]
    rows = [row for row in left.rows if row["path"] == lane.ingest]
    return next(row for row in rows if row["verdict"].endswith("points stored"))


def test_what_a_run_leaves_behind_is_without_a_problem(left: Evidence) -> None:
    assert problems(left) == ""


def test_a_reading_of_another_type_is_stored_wrong(left: Evidence) -> None:
    points_of(left, "number.count")[1]["value"] = True
    assert "nothing like this was sent" in problems(left)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("source_id", "soak-https", "another source"),
        ("tags", {"room": "attic"}, "other tags"),
        ("session_id", "strange", "another session"),
    ],
)
def test_a_reading_that_is_not_as_it_was_sent_is_stored_wrong(
    left: Evidence, field: str, value: Any, words: str
) -> None:
    points_of(left, "tagged")[0][field] = value
    assert words in problems(left)


@pytest.mark.parametrize("off_ms", [-1, 1])
def test_a_reading_with_a_wrong_time_is_stored_wrong(left: Evidence, off_ms: int) -> None:
    farthest = max(abs(offset_ms) for _, offset_ms in left.offsets)
    points_of(left, "number.tenth")[0]["timestamp_ms"] += off_ms * (farthest + 2 * TOLERANCE_MS)
    assert "ms off, sent at" in problems(left)


def test_an_explicit_time_is_exact(left: Evidence) -> None:
    points_of(left, "explicit.ms")[0]["timestamp_ms"] -= 1
    assert "nothing like this was sent" in problems(left)


def test_readings_of_a_metric_that_change_places_are_out_of_order(left: Evidence) -> None:
    first, second = points_of(left, "number.count")[1:3]
    first["value"], second["value"] = second["value"], first["value"]
    first["timestamp_ms"], second["timestamp_ms"] = second["timestamp_ms"], first["timestamp_ms"]
    assert "came after" in problems(left)


def test_a_reading_may_come_again_only_when_its_first_answer_was_hidden(left: Evidence) -> None:
    row = true_row(left)
    point = next(point for point in left.points if point["request_id"] == row["id"])
    later = [other for other in left.rows if other["path"] == row["path"]][-1]
    left.points.append({**point, "request_id": later["id"]})
    assert "came in requests" in problems(left)
    row["verdict"] = f"scripted {min(kinds.HIDING)}: {row['verdict']}"
    assert "came in requests" not in problems(left)


def test_a_reading_that_the_server_refuses_has_to_be_named(left: Evidence) -> None:
    left.journals[SOURCE].rejections.append(Rejection(1, "number.count", "no"))
    left.summary["clients"][SOURCE]["rejected"] += 1
    text = problems(left)
    assert "not named as what it is" in text


def test_a_client_that_counts_otherwise_is_told(left: Evidence) -> None:
    left.summary["clients"][SOURCE]["dropped"] += 1
    assert "the client has counted" in problems(left)


def test_confirmed_readings_that_are_counted_as_dropped_are_told(left: Evidence) -> None:
    counts = left.summary["clients"][SOURCE]
    counts["dropped"], counts["confirmed"] = counts["confirmed"], 0
    assert "not counted as confirmed, though they were" in problems(left)


def test_a_reading_is_lost_if_it_was_confirmed_by_an_answer_that_hides_it(left: Evidence) -> None:
    row = true_row(left)
    row["verdict"] = f"scripted {min(kinds.HIDING)}: {row['verdict']}"
    assert f"{row['points']} readings are lost and not counted" in problems(left)


def test_a_session_that_does_not_arrive_is_told(left: Evidence) -> None:
    left.rows = [row for row in left.rows if row["method"] != "PATCH"]
    assert "sessions came as" in problems(left)


def test_a_session_that_ends_at_another_time_is_told(left: Evidence) -> None:
    for row in left.sessions:
        row["ended_at"] = "2024-01-15T10:30:00Z"
    assert "is dated" in problems(left)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "refused: points[0].value must not be null"}, "must not be null"),
        ({"verdict": "2 points stored; ignored fields: x"}, "ignored fields"),
        ({"key": "missing"}, "POST /api/ingest"),
        ({"path": "/", "method": "HEAD"}, "HEAD /"),
        ({"path": "?", "method": "?", "key": "missing"}, "? ?"),
    ],
)
def test_a_breach_of_the_contract_is_told(
    left: Evidence, change: dict[str, str], words: str
) -> None:
    left.rows.append({**true_row(left), "id": left.rows[-1]["id"] + 1, "points": 0, **change})
    assert words in problems(left)


def test_a_heap_that_grows_is_told_of_a_run_that_is_long_enough(left: Evidence) -> None:
    left.memory = [(at, 100_000 + at * (MEMORY_BOUND_BYTES + 1)) for at in range(4)]
    assert "the heap has grown" not in problems(left)
    left.for_s = WHOLE_S
    assert "the heap has grown" in problems(left)


def test_a_kind_of_fault_that_was_never_given_is_told_of_a_run_that_is_long_enough(
    left: Evidence,
) -> None:
    left.for_s = WHOLE_S
    left.given["kiss-o'-death: DENY"] = 0
    assert "never given" in problems(left)


def test_a_device_that_fails_is_told(left: Evidence) -> None:
    left.summary = {"errors": ["MemoryError()"]}
    assert "the device failed: MemoryError()" in problems(left)


@pytest.mark.parametrize("damage", [Damage(cases=1, failures=["board.json: failed"]), Damage()])
def test_a_start_with_damaged_files_that_fails_is_told(left: Evidence, damage: Damage) -> None:
    left.damage = damage
    assert "damaged files" in problems(left)


# --- its parts ----------------------------------------------------------------------------------


def test_there_are_more_than_thirty_kinds_of_faults_with_names_of_their_own() -> None:
    names = kinds.names()
    assert len(names) == len(set(names)) > 30


@pytest.mark.parametrize("kind", kinds.ANSWERS, ids=lambda kind: kind.name)
def test_a_fault_hides_what_it_stores_only_if_the_client_cannot_know(
    kind: kinds.AnswerKind,
) -> None:
    from tools.mock_server.faults import Action

    action = Action.parse(kind.script())
    assert not (kind.hides and not action.stores)


@pytest.mark.parametrize("metric", series.METRICS)
def test_readings_of_a_metric_can_be_told_apart(metric: str) -> None:
    seen = {
        (
            canonical(series.value_of(metric, serial, lambda number, digits: number / 10**digits)),
            repr(series.options_of(metric, serial, SOURCE)),
        )
        for serial in range(2000)
    }
    assert len(seen) == 2000


def test_a_number_is_no_boolean_and_no_string() -> None:
    assert canonical(1) == canonical(1.0)
    assert len({canonical(value) for value in (1, True, "1", [1], {"1": 1})}) == 5


def test_the_last_request_before_a_kill_hides_what_it_stored() -> None:
    lane = Lane(HTTP, "http://127.0.0.1:9")
    lane.proxy.close()
    lane.kills.append((2000, 2010))
    rows = [{"id": number, "received_ms": 1000 * number, "verdict": ""} for number in range(5)]
    assert evidence.doubtful(lane, rows, [], 3000) == {1, 2}


def test_a_request_whose_answer_came_too_late_hides_what_it_stored() -> None:
    lane = Lane(HTTP, "http://127.0.0.1:9")
    lane.proxy.close()
    rows = [{"id": number, "received_ms": 1000 * number, "verdict": ""} for number in range(9)]
    assert evidence.doubtful(lane, rows, [(900, 3950), (5000, 5100)], 3000) == {1, 2, 3}
