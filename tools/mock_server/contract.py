"""What the HTTP API accepts: pure checks from request bodies to points and sessions."""

import json
import math
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tools.mock_server.profiles import Profile

MAX_POINTS = 10_000
MAX_STRING_CHARS = 256
MAX_STRUCTURE_BYTES = 4096
MAX_TAGS = 16
SESSION_STATUSES = ("active", "completed")
CLASSES = ("metric", "event")
# A timestamp below this is in seconds, from here on in milliseconds.
MILLISECONDS_FROM = 10**12
# The largest time a JavaScript Date (so the dashboard) can hold.
MAX_TIMESTAMP_MS = 8_640_000_000_000_000
_YEAR_2000_MS = 946_684_800_000
_SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_KNOWN_POINT_FIELDS = {"metric", "value", "timestamp", "source_id", "tags", "session_id"}
_FIELDS_OF_CLASSES = {"class", "metadata"}


class ContractError(Exception):
    """A request that the API refuses, with the status and the words it is refused with."""

    def __init__(
        self, message: str, status: int = 400, *, close: bool = False, code: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        # The app's answers have a code as their error, and the message beside it.
        self.code = code
        # The body was left unread, so the connection cannot be used again.
        self.close = close


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


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo the Content-Encoding (RFC 9110 section 8.4); never yields more than max_bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise ContractError(f"Content-Encoding {encoding!r} is not supported: send gzip or none")
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise ContractError(f"the body is not valid gzip: {error}") from None
    if len(plain) > max_bytes:
        raise too_large(max_bytes)
    if not inflater.eof:
        raise ContractError("the gzip body ends early")
    return plain


def too_large(max_bytes: int) -> ContractError:
    return ContractError(f"the body is over {max_bytes} bytes: split the batch", 413, close=True)


def parse_json(body: bytes, at: str = "the body") -> dict[str, Any]:
    """The JSON object of a body or message, by RFC 8259: UTF-8, no NaN, no lone surrogates."""
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        if b"\\u" in body:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(f"{at} is not valid UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise ContractError(f"{at} holds half of a surrogate pair") from None
    except RecursionError:
        raise ContractError(f"{at} is nested too deeply") from None
    except ValueError as error:
        raise ContractError(f"{at} is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise ContractError(f"{at} must be a JSON object")
    return document


def check_ingest(document: dict[str, Any], received_ms: int, profile: Profile) -> Batch:
    """The points of an ingest request; raises ContractError that names the first bad field."""
    default_source = document.get("source_id")
    if "source_id" in document:
        check_source_id(default_source, "source_id")
    if "sdk" in document:
        check_string(document["sdk"], "sdk")
    if "points" not in document:
        raise ContractError("points is missing")
    items = document["points"]
    if not isinstance(items, list):
        raise ContractError("points must be an array")
    if len(items) > MAX_POINTS:
        raise ContractError(f"points has {len(items)} items, more than {MAX_POINTS}: split it")
    batch = Batch([], default_source)
    early, extra, untagged = 0, set(), False
    known = _KNOWN_POINT_FIELDS | (_FIELDS_OF_CLASSES if profile.has_classes else set())
    for index, item in enumerate(items):
        point = _check_point(item, f"points[{index}]", default_source, received_ms, profile)
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


def check_session_create(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new session."""
    for name in ("session_id", "source_id"):
        if name not in document:
            raise ContractError(f"{name} is missing")
    check_source_id(document["source_id"], "source_id")
    return {
        "session_id": check_string(document["session_id"], "session_id"),
        "source_id": document["source_id"],
        **_check_session_fields(document, {"status": "active"}),
    }


def check_session_patch(document: dict[str, Any]) -> dict[str, Any]:
    """The fields that change in a session."""
    changes = _check_session_fields(document, {})
    if not changes:
        raise ContractError("nothing to change: give status, ended_at or name")
    return changes


def is_number(value: object) -> bool:
    """Whether it is a JSON number; bool is an int to Python and not to JSON."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def timestamp_to_ms(timestamp: int | float) -> int:
    """Seconds or milliseconds, told apart as the API does, to whole milliseconds."""
    return round(timestamp * 1000) if timestamp < MILLISECONDS_FROM else round(timestamp)


def _check_point(
    item: object, at: str, default_source: str | None, received_ms: int, profile: Profile
) -> Point:
    if not isinstance(item, dict):
        raise ContractError(f"{at} must be an object")
    if "metric" not in item:
        raise ContractError(f"{at}.metric is missing")
    metric = check_string(item["metric"], f"{at}.metric")
    if metric in profile.refused_metrics:
        named = profile.refused_metrics[metric]
        raise ContractError(f"{at}.metric is not allowed" if named else "a metric is not allowed")
    if "value" not in item:
        raise ContractError(f"{at}.value is missing")
    _check_value(item["value"], f"{at}.value")
    source_id = default_source
    if "source_id" in item:
        source_id = check_source_id(item["source_id"], f"{at}.source_id")
    elif source_id is None:
        raise ContractError(f"{at}.source_id is missing: give it here or at the top level")
    timestamp, timestamp_ms = None, received_ms
    if "timestamp" in item:
        timestamp = item["timestamp"]
        timestamp_ms = _check_timestamp(timestamp, f"{at}.timestamp")
    tags = _check_tags(item["tags"], f"{at}.tags") if "tags" in item else None
    session_id = None
    if "session_id" in item:
        session_id = check_string(item["session_id"], f"{at}.session_id")
    if profile.only_tags_stored:
        # A point without the field may still be in a session by its tag.
        session_id = (tags or {}).get("session_id")
    data_class = _check_class(item, at) if profile.has_classes else None
    metadata = item.get("metadata") if data_class == "metric" else None
    return Point(
        source_id, metric, item["value"], timestamp_ms, timestamp, tags, session_id, data_class,
        metadata,
    )  # fmt: skip


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def check_string(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise ContractError(f"{at} must be a string")
    if not value:
        raise ContractError(f"{at} must not be empty")
    if len(value) > MAX_STRING_CHARS:
        raise ContractError(f"{at} is over {MAX_STRING_CHARS} characters")
    return value


def check_source_id(value: object, at: str) -> str:
    text = check_string(value, at)
    if not _SOURCE_ID.fullmatch(text):
        raise ContractError(f"{at} must match [a-z0-9][a-z0-9._-]*")
    return text


def _check_value(value: object, at: str) -> None:
    if value is None:
        raise ContractError(f"{at} must not be null")
    if isinstance(value, str):
        # Unlike a name, a value may be the empty string.
        if len(value) > MAX_STRING_CHARS:
            raise ContractError(f"{at} is over {MAX_STRING_CHARS} characters")
    elif isinstance(value, (dict, list)):
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        except ValueError:
            raise ContractError(f"{at} holds a number that is out of range") from None
        if len(text.encode("utf-8")) > MAX_STRUCTURE_BYTES:
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


def _check_timestamp(value: object, at: str) -> int:
    if not is_number(value):
        raise ContractError(f"{at} must be a number of seconds or milliseconds")
    if not _is_finite(value) or not 0 < value <= MAX_TIMESTAMP_MS:  # type: ignore[operator]
        raise ContractError(f"{at} is out of range")
    return timestamp_to_ms(value)  # type: ignore[arg-type]


def _check_tags(tags: object, at: str) -> dict[str, str]:
    if not isinstance(tags, dict):
        raise ContractError(f"{at} must be an object")
    if len(tags) > MAX_TAGS:
        raise ContractError(f"{at} has {len(tags)} entries, more than {MAX_TAGS}")
    for key, value in tags.items():
        if not isinstance(value, str):
            raise ContractError(f"{at}[{json.dumps(key)}] must be a string")
        if len(key) > MAX_STRING_CHARS or len(value) > MAX_STRING_CHARS:
            raise ContractError(f"{at}[{json.dumps(key)}] is over {MAX_STRING_CHARS} characters")
    return tags


def _check_session_fields(document: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    fields = dict(defaults)
    if "name" in document:
        fields["name"] = check_string(document["name"], "name")
    if "status" in document:
        if document["status"] not in SESSION_STATUSES:
            raise ContractError("status must be one of: " + ", ".join(SESSION_STATUSES))
        fields["status"] = document["status"]
    for name in ("started_at", "ended_at"):
        if name in document:
            fields[name] = check_datetime(document[name], name)
    return fields


def check_datetime(value: object, at: str) -> str:
    text = check_string(value, at)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or "T" not in text or parsed.tzinfo is None:
        raise ContractError(f"{at} must be like 2024-01-15T10:30:00Z (RFC 3339)")
    return text


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
