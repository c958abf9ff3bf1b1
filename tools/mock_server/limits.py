"""What the server does not keep or do, for lack of room or of a paid plan; changes as it runs."""

from collections.abc import Iterable
from typing import Any

from tools.mock_server.faults import FaultError
from tools.mock_server.points import Point
from tools.mock_server.rates import Bucket, Rate
from tools.mock_server.store import Store

# What a plan stands for.
PLANS: dict[str, dict[str, Any]] = {
    "free": {"devices": 3, "streaming": False, "commands": False, "runs": False},
    "paid": {"devices": None, "streaming": True, "commands": True, "runs": True},
}


class Limits:
    """The limits in force, and what they do to a batch of readings.

    devices: so many sources have their readings stored, None for any number. rate: batches of one
    source, by HTTP and by the socket together. restricted: sources whose readings are all dropped.
    reports_dropped: what is dropped is told; else only the count is short. streaming, commands,
    runs: whether the plan includes the socket, commands to devices, and runs.
    """

    def __init__(self, store: Store, rate: Rate | None, reports_dropped: bool, plan: str) -> None:
        self._store = store
        self._initial = (rate, reports_dropped, plan)
        self.reset()

    def reset(self) -> None:
        """As at the start."""
        self._rate, self.reports_dropped, plan = self._initial
        self.restricted: frozenset[str] = frozenset()
        self._buckets: dict[str, Bucket] = {}
        self.change({"plan": plan})

    def change(self, wanted: object) -> None:
        """Change what is mentioned; raises FaultError. `plan` stands for several at once."""
        if not isinstance(wanted, dict):
            raise FaultError("limits must be an object")
        for name, value in wanted.items():
            if name not in _CHECKS:
                raise FaultError(f"unknown field {name!r}; known: " + ", ".join(_CHECKS))
            accepts, words = _CHECKS[name]
            if not accepts(value):
                raise FaultError(f"{name} must be {words}")
        values = PLANS.get(wanted.get("plan", ""), {}) | wanted
        for name in ("devices", "streaming", "commands", "runs", "reports_dropped"):
            if name in values:
                setattr(self, name, values[name])
        if "restricted" in values:
            self.restricted = frozenset(values["restricted"])
        if "rate" in values:
            rate = values["rate"]
            self._rate = None if rate is None else Rate(rate, burst=rate)
            self._buckets.clear()

    def to_json(self) -> dict[str, Any]:
        return {
            "devices": self.devices,
            "rate": None if self._rate is None else self._rate.per_s,
            "restricted": sorted(self.restricted),
            "reports_dropped": self.reports_dropped,
            "streaming": self.streaming,
            "commands": self.commands,
            "runs": self.runs,
        }

    def sift(self, points: Iterable[Point]) -> tuple[list[Point], dict[str, str]]:
        """The points of a batch that are kept, and the code of what is against other sources."""
        points = list(points)
        refused: dict[str, str] = {}
        known = self._store.sources() if self.devices is not None else set()
        for source in dict.fromkeys(point.source_id for point in points):
            code = self._refusal(source, known)
            if code is None:
                known.add(source)
            else:
                refused[source] = code
        return [point for point in points if point.source_id not in refused], refused

    def _refusal(self, source: str, known: set[str]) -> str | None:
        if source in self.restricted:
            return "SOURCE_LIMIT"
        if self.devices is not None and source not in known and len(known) >= self.devices:
            return "DEVICE_LIMIT"
        if self._rate is not None:
            bucket = self._buckets.setdefault(source, Bucket(self._rate))
            if not bucket.take():
                return "SOURCE_LIMIT"
        return None

    devices: int | None
    streaming: bool
    commands: bool
    runs: bool


def _is_count(least: int) -> Any:
    return lambda v: v is None or (type(v) is int and least <= v < 2**31)


_SWITCH = (lambda v: isinstance(v, bool), "true or false")
_CHECKS: dict[str, Any] = {
    "plan": (lambda v: isinstance(v, str) and v in PLANS, "one of: " + ", ".join(PLANS)),
    "devices": (_is_count(0), "an integer from 0, or null"),
    "rate": (_is_count(1), "an integer from 1, or null"),
    "restricted": (
        lambda v: isinstance(v, list) and all(isinstance(source, str) for source in v),
        "an array of source ids",
    ),
    "reports_dropped": _SWITCH,
    "streaming": _SWITCH,
    "commands": _SWITCH,
    "runs": _SWITCH,
}
