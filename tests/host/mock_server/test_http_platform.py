"""The mock server as the platform of today: its ingest, and runs."""

from typing import Any

import pytest
import requests

from tests.fixtures.posts import KEY, TIMEOUT_S, admin, batch, post
from tools.mock_server import MockServer

# The readings of batch() are of 18:26:40Z.
BEFORE, AFTER = "2023-11-13T18:00:00Z", "2023-11-13T21:00:00+02:00"


def patch(server: MockServer, run_id: str, **changes: Any) -> requests.Response:
    url = f"{server.url}/api/runs/{run_id}"
    return requests.patch(url, json=changes, headers=KEY, timeout=TIMEOUT_S)


def start(server: MockServer, **fields: Any) -> dict[str, Any]:
    """A run of the source s1, of which there are readings."""
    post(server, batch(1, 2, 3), "/ingest")
    document = {"name": "Motor test", "source_id": "s1", "started_at": BEFORE} | fields
    answer = post(server, document, "/api/runs")
    assert answer.status_code == 201
    return answer.json()["run"]


# Ingest


def test_a_batch_is_answered_with_what_was_dropped_and_stored(platform: MockServer) -> None:
    answer = post(platform, batch(1, "on"), "/ingest")
    assert answer.json() == {"success": True, "count": 2, "dropped": 0, "source_id": "s1"}
    (point, _) = platform.points()
    assert (point["via"], point["class"]) == ("http", "metric")


@pytest.mark.parametrize("path", ["/api/ingest", "/api/sessions", "/sessions/a", "/runs", "/x"])
def test_paths_of_another_contract_are_not_there(platform: MockServer, path: str) -> None:
    assert post(platform, batch(1), path).status_code == 404


def test_the_way_of_another_contract_to_a_socket_is_not_there(platform: MockServer) -> None:
    answer = requests.get(platform.url + "/party/org_mock", timeout=TIMEOUT_S)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        (1.5, {}, "metric"),
        (True, {}, "event"),
        ("idle", {}, "event"),
        ({"x": 1}, {}, "event"),
        (1.5, {"class": "metric"}, "metric"),
        (1.5, {"class": "event"}, "event"),
        ([1], {"class": "event"}, "event"),
    ],
)
def test_a_reading_has_the_class_that_it_says_or_that_of_its_value(
    platform: MockServer, value: Any, given: dict[str, Any], expected: str
) -> None:
    document = batch(value)
    document["points"][0] |= given
    assert post(platform, document, "/ingest").json()["count"] == 1
    assert platform.points()[0]["class"] == expected


@pytest.mark.parametrize(
    ("value", "given", "words"),
    [
        ("idle", "metric", "points[0].value must be a number, as its class is metric"),
        (True, "metric", "points[0].value must be a number, as its class is metric"),
        (1, "log", "points[0].class must be one of: metric, event"),
        (1, None, "points[0].class must be one of: metric, event"),
    ],
)
def test_a_wrong_class_is_refused(platform: MockServer, value: Any, given: Any, words: str) -> None:
    document = batch(value)
    document["points"][0]["class"] = given
    answer = post(platform, document, "/ingest")
    assert (answer.status_code, answer.json()) == (400, {"error": words})


def test_only_a_metrics_metadata_is_stored(platform: MockServer) -> None:
    document = batch(1, "on")
    for point in document["points"]:
        point["metadata"] = {"unit": "C"}
    post(platform, document, "/ingest")
    assert [point["metadata"] for point in platform.points()] == [{"unit": "C"}, None]


def test_the_documented_server_knows_no_class(server: MockServer) -> None:
    document = batch("idle")
    document["points"][0]["class"] = "metric"
    assert post(server, document).status_code == 200
    assert server.points()[0]["class"] is None
    assert server.requests()[0]["verdict"] == "1 point stored; ignored fields: class"


@pytest.mark.parametrize(
    ("key", "status", "scopes"),
    [("plx_test", 200, ["write"]), ("plx_readonly", 200, ["read"]), ("sk_1", 401, None)],
)
def test_the_scopes_of_a_key_are_told(
    platform: MockServer, key: str, status: int, scopes: list[str] | None
) -> None:
    url = platform.url + "/api/auth/verify-key"
    answer = requests.get(url, headers={"x-api-key": key}, timeout=TIMEOUT_S)
    assert answer.status_code == status
    assert answer.json().get("scopes") == scopes


# Runs


def test_a_run_is_created_with_an_id_of_the_servers_own(platform: MockServer) -> None:
    run = start(platform, tags={"build": "a41f"}, metadata={"bench": 2})
    assert len(run["id"]) == 36
    expected = {
        "name": "Motor test", "source_id": "s1", "status": "active", "started_at": BEFORE,
        "ended_at": None, "tags": {"build": "a41f"}, "metadata": {"bench": 2}, "pass_criteria": [],
        "test_result": None,
    }  # fmt: skip
    assert {name: run[name] for name in expected} == expected
    assert platform.runs() == [run | {"points": 3}]


def test_a_run_counts_the_readings_of_its_source_and_its_time(platform: MockServer) -> None:
    post(platform, batch(1, source_id="s2"), "/ingest")
    run = start(platform, ended_at=AFTER)
    start(platform, started_at=AFTER)
    start(platform, source_id=None, name="all")
    assert platform.runs()[0]["id"] == run["id"]
    assert [run["points"] for run in platform.runs()] == [9, 0, 10]


def test_a_run_is_ended(platform: MockServer) -> None:
    run = start(platform)
    ended = patch(platform, run["id"], status="aborted", ended_at=AFTER)
    assert ended.status_code == 200
    assert ended.json()["run"] == run | {"status": "aborted", "ended_at": AFTER}


def test_a_run_with_an_end_is_completed(platform: MockServer) -> None:
    run = start(platform)
    assert patch(platform, run["id"], ended_at=AFTER).json()["run"]["status"] == "completed"


@pytest.mark.parametrize(
    ("operator", "value", "passed"),
    [
        ("<", 4, True), ("<", 3, False), ("<=", 3, True), (">", 0, True), (">", 1, False),
        (">=", 1, True), ("=", 2, False), ("!=", 5, True), ("!=", 2, False),
    ],
)  # fmt: skip
def test_a_run_passes_if_every_reading_does(
    platform: MockServer, operator: str, value: float, passed: bool
) -> None:
    criterion = {"metric": "t", "operator": operator, "value": value, "label": "cool"}
    run = start(platform, pass_criteria=[criterion])
    result = patch(platform, run["id"], status="completed", ended_at=AFTER).json()["run"]
    assert result["test_result"] == {
        "passed": passed,
        "criteria_results": [criterion | {"passed": passed, "points": 3}],
    }


def test_a_run_without_readings_of_a_criterion_has_not_passed(platform: MockServer) -> None:
    good = {"metric": "t", "operator": ">", "value": 0}
    run = start(platform, pass_criteria=[good, good | {"metric": "other"}])
    result = patch(platform, run["id"], ended_at=AFTER).json()["run"]["test_result"]
    assert [one["passed"] for one in result["criteria_results"]] == [True, False]
    assert result["passed"] is False


def test_a_run_of_a_source_that_was_not_seen_yet_is_404(platform: MockServer) -> None:
    answer = post(platform, {"name": "Run", "source_id": "new-1"}, "/api/runs")
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")
    assert post(platform, {"slug": "new-1"}, "/api/sources").status_code == 201
    assert post(platform, {"slug": "new-1"}, "/api/sources").status_code == 409
    answer = post(platform, {"name": "Run", "source_id": "new-1"}, "/api/runs")
    assert answer.status_code == 201


def test_a_run_that_is_unknown_cannot_be_changed(platform: MockServer) -> None:
    answer = patch(platform, "nobody", status="completed")
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


def test_runs_are_not_in_the_free_plan(platform: MockServer) -> None:
    run = start(platform)
    platform.limit(plan="free")
    for answer in (post(platform, {"name": "Run"}, "/api/runs"), patch(platform, run["id"])):
        assert (answer.status_code, answer.json()["error"]) == (402, "BILLING_LIMIT")
    assert len(platform.runs()) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": None}, "name must be a string of 1 to 200 characters"),
        ({"name": ""}, "name must be a string of 1 to 200 characters"),
        ({"name": "n" * 201}, "name must be a string of 1 to 200 characters"),
        ({"source_id": 5}, "source_id must be a string"),
        ({"status": "done"}, "status must be one of: active, completed, aborted"),
        ({"started_at": "2024-01-15T10:30:00"}, "started_at must be like"),
        ({"ended_at": "2023-01-15T10:30:00Z"}, "ended_at must not be before started_at"),
        ({"tags": []}, "tags must be an object"),
        ({"metadata": 1}, "metadata must be an object"),
        ({"pass_criteria": {}}, "pass_criteria must be an array"),
        ({"pass_criteria": [1]}, "pass_criteria[0] must be an object"),
        ({"pass_criteria": [{}]}, "pass_criteria[0].metric must be a string"),
        ({"pass_criteria": [{"metric": "t", "operator": []}]}, "pass_criteria[0].operator must be"),
        (
            {"pass_criteria": [{"metric": "t", "operator": "<", "value": "5"}]},
            "pass_criteria[0].value must be a number",
        ),
    ],
)
def test_a_bad_run_is_refused_by_its_field(
    platform: MockServer, fields: dict[str, Any], words: str
) -> None:
    document = {"name": "Run", "started_at": BEFORE} | fields
    answer = post(platform, document, "/api/runs")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"].startswith(words)
    assert platform.runs() == []


def test_a_run_needs_a_name(platform: MockServer) -> None:
    assert post(platform, {}, "/api/runs").json()["message"] == "name is missing"


def test_runs_are_read_over_http_and_forgotten_by_a_reset(platform: MockServer) -> None:
    start(platform)
    assert admin(platform, "GET", "/admin/runs").json() == {"runs": platform.runs()}
    platform.reset()
    assert platform.runs() == []
    answer = post(platform, {"name": "Run", "source_id": "s1"}, "/api/runs")
    assert answer.status_code == 404
