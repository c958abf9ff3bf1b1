"""What a request's body may be: pure checks of bytes, JSON, names and sessions."""

import json
import re
import zlib
from datetime import datetime
from typing import Any

from tools.mock_server import go_json
from tools.mock_server.profiles import Profile

MAX_STRING_CHARS = 256
SESSION_STATUSES = ("active", "completed")
_KEPT_VIOLATIONS = 100
_SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ContractError(Exception):
    """A request that the API refuses, with the status and the words it is refused with."""

    def __init__(
        self,
        message: str,
        status: int = 400,
        *,
        close: bool = False,
        code: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        # The app's answers have a code as their error, and the message beside it.
        self.code = code
        self.retry_after_s = retry_after_s
        # The body was left unread, so the connection cannot be used again.
        self.close = close


class Check:
    """The check of one request or message: what it may hold here, and what was wrong with it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        # Breaches of the contract in what was accepted all the same, in words.
        self.violations: list[str] = []

    def note(self, words: str) -> None:
        """A breach that every server accepts."""
        if len(self.violations) < _KEPT_VIOLATIONS:
            self.violations.append(words)

    def tolerate(self, words: str) -> None:
        """A breach that a lenient server accepts; raises ContractError on a strict one."""
        if not self.profile.lenient:
            raise ContractError(words)
        self.note(words)

    def is_long(self, text: str) -> bool:
        """Whether a string is over the limit, which is in characters or in bytes of UTF-8."""
        size = len(text.encode()) if self.profile.lenient else len(text)
        return size > MAX_STRING_CHARS

    @property
    def unit(self) -> str:
        return "bytes" if self.profile.lenient else "characters"

    def string(self, value: object, at: str) -> str:
        """A name or an id; raises ContractError."""
        if not isinstance(value, str):
            raise ContractError(f"{at} must be a string")
        if not value:
            raise ContractError(f"{at} must not be empty")
        if self.is_long(value):
            raise ContractError(f"{at} is over {MAX_STRING_CHARS} {self.unit}")
        return value

    def unread_string(self, value: object, at: str) -> str | None:
        """A name that a lenient server does not look at: None there if it is none."""
        try:
            return self.string(value, at)
        except ContractError as error:
            self.tolerate(error.message)
            return None


def decompress(body: bytes, encoding: str, max_bytes: int, check: Check) -> bytes:
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
        check.tolerate("the gzip body ends early")
    return plain


def too_large(max_bytes: int) -> ContractError:
    return ContractError(f"the body is over {max_bytes} bytes: split the batch", 413, close=True)


def parse_json(body: bytes, check: Check, at: str = "the body") -> dict[str, Any]:
    """The JSON object of a body or message: by RFC 8259, in UTF-8, without lone surrogates.

    What a lenient server takes besides, it takes as Go does: see go_json.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        check.tolerate(f"{at} is not valid UTF-8 at byte {error.start}")
        text = body.decode("utf-8", "replace")
    try:
        if check.profile.lenient:
            document, rest = go_json.parse(text)
        else:
            document, rest = json.loads(text, parse_constant=_refuse_constant), ""
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ContractError(f"{at} holds half of a surrogate pair") from None
    except RecursionError:
        raise ContractError(f"{at} is nested too deeply") from None
    except ValueError as error:
        raise ContractError(f"{at} is not valid JSON: {error}") from None
    if rest:
        check.note(f"{at} goes on after its JSON: {rest[:20]!r}")
    if not isinstance(document, dict):
        raise ContractError(f"{at} must be a JSON object")
    return document


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
