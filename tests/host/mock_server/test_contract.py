"""The mock server's contract: what it accepts, what it refuses and with which words."""

import gzip
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.mock_server import contract, points
from tools.mock_server.contract import Check, ContractError
from tools.mock_server.profiles import PROFILES, Profile
from tools.mock_server.store import Store

NOW_MS = 1_795_000_000_000
DOCUMENTED = PROFILES["documented"]
GATEWAY = PROFILES["gateway"]


def ingest(profile: Profile = DOCUMENTED, **top: Any) -> points.Batch:
    return points.check_points(top, NOW_MS, Check(profile))


def point(**fields: Any) -> dict[str, Any]:
    return {"metric": "temperature", "value": 1, "source_id": "s", **fields}


def refusal(**top: Any) -> str:
    with pytest.raises(ContractError) as caught:
        ingest(**top)
    assert caught.value.status == 400
    return caught.value.message


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("text", "points[1] must be an object"),
        (without(point(), "metric"), "points[1].metric is missing"),
        (point(metric=""), "points[1].metric must not be empty"),
        (point(metric=5), "points[1].metric must be a string"),
        (point(metric="m" * 257), "points[1].metric is over 256 characters"),
        (without(point(), "value"), "points[1].value is missing"),
        (point(value=None), "points[1].value must not be null"),
        (point(value="v" * 257), "points[1].value is over 256 characters"),
        (point(value=math.inf), "points[1].value is out of range"),
        (point(value=10**400), "points[1].value is out of range"),
        (point(value={"x": math.inf}), "points[1].value holds a number that is out of range"),
        (point(value={"k": "v" * 4089}), "points[1].value is over 4096 bytes of JSON"),
        (point(value=[1] * 2048), "points[1].value is over 4096 bytes of JSON"),
        (point(value={"k": "é" * 2045}), "points[1].value is over 4096 bytes of JSON"),
        (point(timestamp="1699900000"), "points[1].timestamp must be a number"),
        (point(timestamp=None), "points[1].timestamp must be a number"),
        (point(timestamp=True), "points[1].timestamp must be a number"),
        (point(timestamp=0), "points[1].timestamp is out of range"),
        (point(timestamp=-5), "points[1].timestamp is out of range"),
        (point(timestamp=10**19), "points[1].timestamp is out of range"),
        (point(timestamp=10**400), "points[1].timestamp is out of range"),
        (without(point(), "source_id"), "points[1].source_id is missing"),
        (point(source_id="Upper"), "points[1].source_id must match"),
        (point(source_id="a b"), "points[1].source_id must match"),
        (point(source_id="a/b"), "points[1].source_id must match"),
        (point(source_id="a:b"), "points[1].source_id must match"),
        (point(source_id="-a"), "points[1].source_id must match"),
        (point(source_id=".a"), "points[1].source_id must match"),
        (point(source_id="_a"), "points[1].source_id must match"),
        (point(source_id="a\n"), "points[1].source_id must match"),
        (point(source_id=""), "points[1].source_id must not be empty"),
        (point(source_id="a" * 257), "points[1].source_id is over 256 characters"),
        (point(source_id=None), "points[1].source_id must be a string"),
        (point(tags=[]), "points[1].tags must be an object"),
        (point(tags=None), "points[1].tags must be an object"),
        (point(tags={"unit": 5}), 'points[1].tags["unit"] must be a string'),
        (point(tags={"unit": "u" * 257}), 'points[1].tags["unit"] is over 256 characters'),
        (point(tags={"k" * 257: "u"}), "is over 256 characters"),
        (point(tags={str(n): "" for n in range(17)}), "points[1].tags has 17 entries"),
        (point(session_id=""), "points[1].session_id must not be empty"),
        (point(session_id=5), "points[1].session_id must be a string"),
    ],
)
def test_a_bad_point_is_refused_by_its_index_and_field(bad: Any, message: str) -> None:
    assert message in refusal(points=[point(), bad])


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({}, "points is missing"),
        ({"points": {}}, "points must be an array"),
        ({"points": [], "source_id": "Upper"}, "source_id must match"),
        ({"points": [], "source_id": None}, "source_id must be a string"),
        ({"points": [], "sdk": 1}, "sdk must be a string"),
        ({"points": [point()] * 10_001}, "points has 10001 items, more than 10000"),
    ],
)
def test_a_bad_request_is_refused_by_its_field(top: dict[str, Any], message: str) -> None:
    assert message in refusal(**top)


@pytest.mark.parametrize(
    "value",
    [
        72.5, -40, 0, 1e308, 2**70, "", "running", "v" * 256, True, False, {}, [], {"x": None},
        {"x": 1.2, "y": [1, {"z": "s"}]}, [1.0, 2.0], {"k": "v" * 4088}, {"k": "é" * 2044},
    ],
)  # fmt: skip
def test_every_kind_of_value_is_accepted_as_it_is(value: Any) -> None:
    assert ingest(points=[point(value=value)]).points[0].value == value


def test_names_at_their_limits_are_accepted() -> None:
    tags = {f"{n:x}": "v" * 256 for n in range(16)}
    fine = point(metric="m" * 256, source_id="0" + "a._-" * 63, tags=tags, session_id="s" * 256)
    assert len(ingest(points=[fine] * 10_000, sdk="micropython/0.1.0").points) == 10_000


def test_no_points_at_all_is_a_probe() -> None:
    assert ingest(points=[]).points == []


def test_a_points_own_source_overrides_the_common_one() -> None:
    batch = ingest(source_id="common", points=[without(point(), "source_id"), point()])
    assert [item.source_id for item in batch.points] == ["common", "s"]


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        (1699900000.123, 1_699_900_000_123),
        (1699900000, 1_699_900_000_000),
        (1699900000123, 1_699_900_000_123),
        (999_999_999_999, 999_999_999_999_000),
        (10**12, 10**12),
        (12.5, 12_500),
    ],
)
def test_a_timestamp_below_a_million_million_is_in_seconds(
    timestamp: float, milliseconds: int
) -> None:
    assert ingest(points=[point(timestamp=timestamp)]).points[0].timestamp_ms == milliseconds


def test_without_a_timestamp_the_time_of_arrival_counts() -> None:
    found = ingest(points=[point()]).points[0]
    assert (found.timestamp_ms, found.timestamp) == (NOW_MS, None)


def test_uptime_in_place_of_unix_time_is_remarked_on() -> None:
    (warning,) = ingest(points=[point(timestamp=12.5)]).warnings
    assert warning.startswith("1 dated before 2000")


def test_unknown_fields_are_accepted_and_remarked_on() -> None:
    assert ingest(points=[point(unit="C")]).warnings == ["ignored fields: unit"]


def test_the_gateway_keeps_a_session_only_if_it_is_a_tag() -> None:
    lost = ingest(GATEWAY, points=[point(session_id="x")])
    kept = ingest(GATEWAY, points=[point(session_id="x", tags={"session_id": "x"})])
    assert (lost.points[0].session_id, kept.points[0].session_id) == (None, "x")
    assert lost.warnings == ["session_id is not stored: put it in tags as well"]
    assert kept.warnings == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
POINT = st.fixed_dictionaries(
    {"metric": st.just("m") | JSON, "value": JSON},
    optional={
        "timestamp": st.integers() | st.floats() | JSON,
        "tags": st.dictionaries(st.text(max_size=2), st.text(max_size=2)) | JSON,
        "session_id": st.text(max_size=2) | JSON,
        "source_id": st.just("s") | JSON,
    },
)


@given(st.lists(POINT | JSON, max_size=3), st.sampled_from(list(PROFILES.values())))
def test_any_document_is_either_refused_or_can_be_stored(
    items: list[Any], profile: Profile
) -> None:
    # Through JSON, as what arrives has come; surrogates and NaN end there.
    check = Check(profile)
    try:
        body = json.dumps({"source_id": "s", "points": items}).encode()
        batch = points.check_points(contract.parse_json(body, check), NOW_MS, check)
    except ContractError as error:
        assert error.status == 400
        return
    store = Store()
    store.add_points(1, batch.points, NOW_MS)
    assert [row["value"] for row in store.points()] == [point.value for point in batch.points]
    store.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": NaN}', "NaN is not a JSON value"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON value"),
        (b'{"a": nan}', "not valid JSON"),
        (b'{"a": "\x01"}', "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": "\xff"}', "not valid UTF-8 at byte 7"),
        (b'{"a": "\xc0\x80"}', "not valid UTF-8"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": 1}'.encode("utf-16"), "not valid UTF-8"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract.parse_json(body, Check(DOCUMENTED))


def test_escaped_characters_are_read() -> None:
    for profile in PROFILES.values():
        found = contract.parse_json(b'{"a": "\\u00e9\\ud83d\\ude00"}', Check(profile))
        assert found == {"a": "é😀"}


def test_gzip_is_undone() -> None:
    assert (
        contract.decompress(gzip.compress(b"{}", mtime=0), "gzip", 100, Check(DOCUMENTED)) == b"{}"
    )


@pytest.mark.parametrize(
    ("body", "encoding", "status", "message"),
    [
        (b"{}", "br", 400, "'br' is not supported"),
        (b"{}", "gzip", 400, "not valid gzip"),
        (gzip.compress(b"{}", mtime=0)[:-9], "gzip", 400, "ends early"),
        (gzip.compress(b"0" * 101, mtime=0), "gzip", 413, "over 100 bytes"),
    ],
)
def test_a_bad_content_encoding_is_refused(
    body: bytes, encoding: str, status: int, message: str
) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        contract.decompress(body, encoding, 100, Check(DOCUMENTED))
    assert caught.value.status == status


SESSION = {"session_id": "test-001", "name": "Run", "source_id": "s", "status": "active"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"session_id": ""}, "session_id must not be empty"),
        ({"session_id": 5}, "session_id must be a string"),
        ({"source_id": "A"}, "source_id must match"),
        ({"name": 5}, "name must be a string"),
        ({"status": "on"}, "status must be one of: active, completed"),
        ({"status": []}, "status must be one of"),
        ({"started_at": "yesterday"}, "started_at must be like"),
    ],
)
def test_a_bad_session_is_refused_by_its_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract.check_session_create(SESSION | changes)


@pytest.mark.parametrize("name", ["session_id", "source_id"])
def test_a_session_needs_its_ids(name: str) -> None:
    with pytest.raises(ContractError, match=f"{name} is missing"):
        contract.check_session_create(without(SESSION, name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing to change"),
        ({"ended_at": 5}, "ended_at must be a string"),
        ({"ended_at": "2024-01-15"}, "ended_at must be like"),
        ({"ended_at": "2024-01-15T10:30:00"}, "ended_at must be like"),
        ({"ended_at": "2024-13-15T10:30:00Z"}, "ended_at must be like"),
        ({"status": "done"}, "status must be one of"),
    ],
)
def test_a_bad_change_of_a_session_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract.check_session_patch(changes)


def test_the_documented_change_of_a_session_is_accepted() -> None:
    changes = {"status": "completed", "ended_at": "2024-01-15T10:30:00Z"}
    assert contract.check_session_patch(json.loads(json.dumps(changes))) == changes
