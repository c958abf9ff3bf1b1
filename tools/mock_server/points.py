"""What a reading may be: pure checks from a request's JSON to points."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from tools.mock_server import go_json
from tools.mock_server.contract import (
    MAX_STRING_CHARS,
    Check,
    ContractError,
    check_source_id,
    is_number,
)

MAX_POINTS = 10_000
MAX_STRUCTURE_BYTES = 4096
MAX_TAGS = 16
CLASSES = ("metric", "event")
# A timestamp below this is in seconds, from here on in milliseconds.
MILLISECONDS_FROM = 10**12
# The largest time a JavaScript Date (so the dashboard) can hold.
MAX_TIMESTAMP_MS = 8_640_000_000_000_000
_YEAR_2000_MS = 946_684_800_000
# What the store can hold.
_MAX_STORED = 2**63 - 1
_KNOWN_FIELDS = {"metric", "value", "timestamp", "source_id", "tags", "session_id"}
_FIELDS_OF_CLASSES = {"class", "metadata"}


@dataclass(frozen=True)
class Point:
    """One accepted data point, its time in integer milliseconds since 1970."""

    source_id: str
    metric: str
    value: Any
    timestamp_ms: int
    # As in the request; None if the request gave none.
    timestamp: int | float | None
    tags: dict[str, str] | None
    session_id: str | None
    # Where points have one: "metric" or "event".
    data_class: str | None = None
    metadata: Any = None


@dataclass
class Batch:
    """The points of one accepted ingest request, and what looks odd though allowed."""

    points: list[Point]
    source_id: str | None = None
    warnings: list[str] = field(default_factory=list)


def check_points(
    document: dict[str, Any], received_ms: int, check: Check, in_seconds: bool = True
) -> Batch:
    """The points of a request or message; raises ContractError that names the first bad field.

    in_seconds: small timestamps are seconds. Else all are milliseconds.
    """
    default_source = document.get("source_id")
    if "source_id" in document:
        check_source_id(default_source, "source_id")
    if "sdk" in document:
        check.unread_string(document["sdk"], "sdk")
    if "points" not in document:
        raise ContractError("points is missing")
    items = document["points"]
    if not isinstance(items, list):
        raise ContractError("points must be an array")
    if len(items) > MAX_POINTS:
        raise ContractError(f"points has {len(items)} items, more than {MAX_POINTS}: split it")
    batch = Batch([], default_source)
    early, extra, untagged = 0, set(), False
    known = _KNOWN_FIELDS | (_FIELDS_OF_CLASSES if check.profile.has_classes else set())
    for index, item in enumerate(items):
        at = f"points[{index}]"
        point = _check_point(item, at, default_source, received_ms, check, in_seconds)
        batch.points.append(point)
        early += point.timestamp_ms < _YEAR_2000_MS
        extra |= item.keys() - known
        untagged |= "session_id" in item and item["session_id"] != point.session_id
    if early:
        batch.warnings.append(f"{early} dated before 2000: uptime in place of Unix time?")
    if extra:
        batch.warnings.append("ignored fields: " + ", ".join(sorted(extra)))
    if untagged:
        batch.warnings.append("session_id is not stored: put it in tags as well")
    return batch


def timestamp_to_ms(timestamp: int | float) -> int:
    """Seconds or milliseconds, told apart as the API does, to whole milliseconds."""
    return round(timestamp * 1000 if 0 < timestamp < MILLISECONDS_FROM else timestamp)


def _check_point(
    item: object,
    at: str,
    default_source: str | None,
    received_ms: int,
    check: Check,
    in_seconds: bool,
) -> Point:
    if not isinstance(item, dict):
        raise ContractError(f"{at} must be an object")
    if "metric" not in item:
        raise ContractError(f"{at}.metric is missing")
    metric = check.string(item["metric"], f"{at}.metric")
    if "value" not in item:
        raise ContractError(f"{at}.value is missing")
    _check_value(item["value"], f"{at}.value", check)
    source_id = _find_source(item, at, default_source, check)
    timestamp, timestamp_ms = None, received_ms
    if "timestamp" in item:
        timestamp = item["timestamp"]
        _check_timestamp(timestamp, f"{at}.timestamp", check)
        found = timestamp_to_ms(timestamp) if in_seconds else round(timestamp)
        timestamp_ms = max(-_MAX_STORED, min(found, _MAX_STORED))
    tags = _check_tags(item["tags"], f"{at}.tags", check) if "tags" in item else None
    session_id = None
    if "session_id" in item:
        session_id = check.unread_string(item["session_id"], f"{at}.session_id")
    if check.profile.only_tags_stored:
        # A point without the field may still be in a session by its tag.
        session_id = (tags or {}).get("session_id")
    data_class = _check_class(item, at) if check.profile.has_classes else None
    metadata = item.get("metadata") if data_class == "metric" else None
    return Point(
        source_id, metric, item["value"], timestamp_ms, timestamp, tags, session_id, data_class,
        metadata,
    )  # fmt: skip


def _find_source(item: dict[str, Any], at: str, default_source: str | None, check: Check) -> str:
    given = item.get("source_id")
    if "source_id" in item and (not isinstance(given, str) or not given):
        check.unread_string(given, f"{at}.source_id")
    elif "source_id" in item:
        return check_source_id(given, f"{at}.source_id")
    if default_source is None:
        raise ContractError(f"{at}.source_id is missing: give it here or at the top level")
    return default_source


def _check_value(value: object, at: str, check: Check) -> None:
    if value is None:
        raise ContractError(f"{at} must not be null")
    if isinstance(value, str):
        # Unlike a name, a value may be the empty string.
        if check.is_long(value):
            raise ContractError(f"{at} is over {MAX_STRING_CHARS} {check.unit}")
    elif isinstance(value, (dict, list)):
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        except ValueError:
            raise ContractError(f"{at} holds a number that is out of range") from None
        size = go_json.size(value) if check.profile.lenient else len(text.encode("utf-8"))
        if size > MAX_STRUCTURE_BYTES:
            raise ContractError(f"{at} is over {MAX_STRUCTURE_BYTES} bytes of JSON")
    elif is_number(value) and not _is_finite(value):
        raise ContractError(f"{at} is out of range")


def _check_class(item: dict[str, Any], at: str) -> str:
    """The class of a point, inferred from its value if it has none."""
    is_metric = is_number(item["value"])
    if "class" not in item:
        return "metric" if is_metric else "event"
    given = item["class"]
    if given not in CLASSES:
        raise ContractError(f"{at}.class must be one of: " + ", ".join(CLASSES))
    if given == "metric" and not is_metric:
        raise ContractError(f"{at}.value must be a number, as its class is metric")
    return given


def _check_timestamp(value: Any, at: str, check: Check) -> None:
    if not is_number(value):
        raise ContractError(f"{at} must be a number of seconds or milliseconds")
    if not _is_finite(value):
        raise ContractError(f"{at} is out of range")
    if not 0 < value <= MAX_TIMESTAMP_MS:
        check.tolerate(f"{at} is out of range")


def _check_tags(tags: object, at: str, check: Check) -> dict[str, str]:
    if not isinstance(tags, dict):
        raise ContractError(f"{at} must be an object")
    if len(tags) > MAX_TAGS:
        raise ContractError(f"{at} has {len(tags)} entries, more than {MAX_TAGS}")
    for key, value in tags.items():
        if not isinstance(value, str):
            raise ContractError(f"{at}[{json.dumps(key)}] must be a string")
        if check.is_long(key) or check.is_long(value):
            words = f"is over {MAX_STRING_CHARS} {check.unit}"
            raise ContractError(f"{at}[{json.dumps(key)}] {words}")
    return tags


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
