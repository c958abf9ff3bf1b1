"""Runs: named windows of time on a source, with criteria that its readings pass or fail."""

import operator
import uuid
from datetime import UTC, datetime
from typing import Any

from tools.mock_server import contract
from tools.mock_server.calls import Call, Routes
from tools.mock_server.contract import ContractError
from tools.mock_server.faults import Answer
from tools.mock_server.limits import Limits
from tools.mock_server.store import Store

STATUSES = ("active", "completed", "aborted")
_MAX_NAME_CHARS = 200
_OPERATORS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
    "!=": operator.ne,
}  # fmt: skip


class Runs:
    """The app's paths for runs, and for the sources that they are about."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    def routes(self) -> Routes:
        return {
            "/runs": {"POST": self._create},
            "/runs/": {"PATCH": self._change},
            "/sources": {"POST": self._register},
        }

    def to_json(self) -> list[dict[str, Any]]:
        """Every run, with the number of readings in its window."""
        return [run | {"points": len(self._window(run))} for run in self._store.runs()]

    def _create(self, call: Call) -> Answer:
        self._check_plan()
        now = _now()
        fields = {
            "name": None, "source_id": None, "status": "active", "started_at": now,
            "ended_at": None, "tags": None, "metadata": None, "pass_criteria": [],
        } | _check(call.document)  # fmt: skip
        if fields["name"] is None:
            raise _invalid("name is missing")
        source_id = fields["source_id"]
        if source_id is not None and source_id not in self._store.sources():
            raise ContractError(f"no reading of {source_id!r} was seen yet", 404, code="NOT_FOUND")
        run = {"id": str(uuid.uuid4()), **fields, "test_result": None, "created_at": now}
        return self._answer(201, run)

    def _change(self, call: Call) -> Answer:
        self._check_plan()
        run = self._store.run(call.argument)
        if run is None:
            raise ContractError(f"no run {call.argument!r}", 404, code="NOT_FOUND")
        changes = _check(call.document)
        if changes.get("ended_at") and run["status"] == "active":
            changes.setdefault("status", "completed")
        return self._answer(200, run | changes)

    def _answer(self, status: int, run: dict[str, Any]) -> Answer:
        ended = run["ended_at"]
        if ended is not None and _to_ms(ended) < _to_ms(run["started_at"]):
            raise _invalid("ended_at must not be before started_at")
        if run["status"] != "active" and run["pass_criteria"]:
            run["test_result"] = _evaluate(run["pass_criteria"], self._window(run))
        return Answer.of_json(
            status,
            {"run": run},
            verdict=f"run {run['name']!r} {run['status']}",
            commit=lambda: self._store.put_run(run),
        )

    def _register(self, call: Call) -> Answer:
        slug = contract.check_source_id(call.document.get("slug"), "slug")
        if slug in self._store.sources():
            raise ContractError(f"{slug!r} already exists", 409, code="CONFLICT")
        return Answer.of_json(
            201,
            {"source": {"slug": slug}},
            verdict=f"source {slug}",
            commit=lambda: self._store.add_source(slug),
        )

    def _window(self, run: dict[str, Any]) -> list[tuple[str, Any]]:
        ends = (run["started_at"], run["ended_at"] or _now())
        return self._store.window(run["source_id"], *map(_to_ms, ends))

    def _check_plan(self) -> None:
        if not self._limits.runs:
            raise ContractError("runs are not in this plan", 402, code="BILLING_LIMIT")


def _check(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run that a request may give, those that it gives."""
    fields = {name: document[name] for name in _CHECKS if name in document}
    for name, value in fields.items():
        try:
            _CHECKS[name](value, name)
        except ContractError as error:
            raise _invalid(error.message) from None
    return fields


def _check_name(value: object, at: str) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME_CHARS:
        raise _invalid(f"{at} must be a string of 1 to {_MAX_NAME_CHARS} characters")


def _check_source(value: object, at: str) -> None:
    if value is not None:
        contract.check_string(value, at)


def _check_status(value: object, at: str) -> None:
    if value not in STATUSES:
        raise _invalid(f"{at} must be one of: " + ", ".join(STATUSES))


def _check_end(value: object, at: str) -> None:
    if value is not None:
        contract.check_datetime(value, at)


def _check_object(value: object, at: str) -> None:
    if not isinstance(value, dict):
        raise _invalid(f"{at} must be an object")


def _check_criteria(value: object, at: str) -> None:
    if not isinstance(value, list):
        raise _invalid(f"{at} must be an array")
    for index, criterion in enumerate(value):
        here = f"{at}[{index}]"
        _check_object(criterion, here)
        contract.check_string(criterion.get("metric"), f"{here}.metric")
        if criterion.get("operator") not in tuple(_OPERATORS):
            raise _invalid(f"{here}.operator must be one of: " + " ".join(_OPERATORS))
        if not contract.is_number(criterion.get("value")):
            raise _invalid(f"{here}.value must be a number")
        if not isinstance(criterion.get("label", ""), str):
            raise _invalid(f"{here}.label must be a string")


_CHECKS = {
    "name": _check_name,
    "source_id": _check_source,
    "status": _check_status,
    "started_at": contract.check_datetime,
    "ended_at": _check_end,
    "tags": _check_object,
    "metadata": _check_object,
    "pass_criteria": _check_criteria,
}


def _evaluate(criteria: list[dict[str, Any]], readings: list[tuple[str, Any]]) -> dict[str, Any]:
    """Whether every number of a criterion's metric passes it. One without numbers has failed."""
    results = []
    for criterion in criteria:
        values = [v for metric, v in readings if metric == criterion["metric"]]
        values = [value for value in values if contract.is_number(value)]
        holds = _OPERATORS[criterion["operator"]]
        passed = bool(values) and all(holds(value, criterion["value"]) for value in values)
        results.append(criterion | {"passed": passed, "points": len(values)})
    return {
        "passed": all(result["passed"] for result in results),
        "criteria_results": results,
    }


def _invalid(words: str) -> ContractError:
    return ContractError(words, code="VALIDATION_ERROR")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
