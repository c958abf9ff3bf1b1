"""What lenient kinds of the mock server take though it breaks the contract, and how that shows."""

import gzip
import json
from typing import Any

import pytest
import requests

from tests.fixtures.posts import KEY, TIMEOUT_S, batch, post
from tools.mock_server import MockServer, go_json


@pytest.fixture(params=["platform"])
def lenient(request: pytest.FixtureRequest) -> MockServer:
    return request.getfixturevalue(request.param)


def send(server: MockServer, body: bytes, **headers: str) -> int:
    url = server.url + "/ingest"
    return requests.post(url, body, headers=KEY | headers, timeout=TIMEOUT_S).status_code


def violations(server: MockServer) -> list[str]:
    return [words for request in server.requests() for words in request["violations"]]


@pytest.mark.parametrize(
    ("timestamp", "stored_ms"),
    [(0, 0), (-5, -5), (-1.5, -2), (10**18, 10**18), (1e300, 2**63 - 1), (12.5, 12_500)],
)
def test_any_finite_time_is_taken(lenient: MockServer, timestamp: float, stored_ms: int) -> None:
    document = batch(1)
    document["points"][0]["timestamp"] = timestamp
    assert post(lenient, document, "/ingest").json()["count"] == 1
    assert lenient.points()[0]["timestamp_ms"] == stored_ms
    expected = [] if timestamp == 12.5 else ["points[0].timestamp is out of range"]
    assert violations(lenient) == expected


BODY = json.dumps(batch(1)).encode()


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (BODY + b"} garbage", {}, "the body goes on after its JSON: '} garbage'"),
        (b" \n" + BODY + b"\n ", {}, None),
        (BODY.replace(b'"t"', b'"t\xff"'), {}, "the body is not valid UTF-8 at byte"),
        (
            gzip.compress(BODY, mtime=0)[:-9],
            {"Content-Encoding": "gzip"},
            "the gzip body ends early",
        ),
        (BODY.replace(b'"t"', b'"t\\ud800"'), {}, None),
    ],
)
def test_a_body_that_gos_decoder_takes_is_taken(
    lenient: MockServer, body: bytes, headers: dict[str, str], words: str | None
) -> None:
    assert send(lenient, body, **headers) == 200
    (point,) = lenient.points()
    assert point["metric"] in ("t", "t\ufffd")
    assert [found[: len(words or "")] for found in violations(lenient)] == (
        [words] if words else []
    )


@pytest.mark.parametrize(
    "change",
    [
        {"source_id": ""},
        {"source_id": 5},
        {"session_id": 5},
        {"session_id": "s" * 257},
    ],
)
def test_fields_that_are_not_looked_at_do_no_harm(
    lenient: MockServer, change: dict[str, Any]
) -> None:
    document = batch(1, sdk=5)
    document["points"][0] |= change
    assert post(lenient, document, "/ingest").status_code == 200
    assert lenient.points()[0]["source_id"] == "s1"
    assert len(violations(lenient)) == 2


def test_violations_are_in_the_verdict(lenient: MockServer) -> None:
    document = batch(1, 2)
    for point in document["points"]:
        point["timestamp"] = 0
    post(lenient, document, "/ingest")
    expected = "; accepted though points[1].timestamp is out of range"
    assert lenient.requests()[0]["verdict"].endswith(expected)


def test_the_documented_server_has_no_violations_over_http(server: MockServer) -> None:
    post(server)
    assert violations(server) == []


@pytest.mark.parametrize(
    "change",
    [
        {"value": "é" * 129},
        {"metric": "é" * 129},
        {"tags": {"a": "é" * 129}},
        {"tags": {"é" * 129: "a"}},
        {"source_id": "Upper"},
        {"value": None},
        {"metric": ""},
        {"tags": None},
        {"timestamp": None},
    ],
)
def test_what_gos_validator_refuses_is_refused(lenient: MockServer, change: dict[str, Any]) -> None:
    document = batch(1)
    document["points"][0] |= change
    assert post(lenient, document, "/ingest").status_code == 400
    assert lenient.points() == []


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "NaN"])
def test_numbers_that_are_none_to_go_are_refused(lenient: MockServer, number: str) -> None:
    body = BODY.replace(b'"value": 1', b'"value": ' + number.encode())
    assert send(lenient, body) == 400


def test_large_integers_are_rounded(lenient: MockServer) -> None:
    post(lenient, batch(2**53 + 1, 2**53, 10**30), "/ingest")
    assert [point["value"] for point in lenient.points()] == [2**53, 2**53, int(1e30)]


def test_a_structure_counts_as_it_is_written_again(lenient: MockServer) -> None:
    # 6 bytes each, and 2 for the quotes and 2 for the brackets.
    fits = ["<" * ((4096 - 4) // 6)]
    assert post(lenient, batch(fits), "/ingest").status_code == 200
    assert post(lenient, batch([fits[0] + "<"]), "/ingest").status_code == 400


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, "1"), (1.0, "1"), (-0.5, "-0.5"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1e-6, "0.000001"), (1e-7, "1e-7"), (1.5e-10, "1.5e-10"), (0.1, "0.1"), (0, "0"),
        (2**53, "9007199254740992"), (True, "true"), (None, "null"), ("é", '"é"'),
        ("<&>", '"\\u003c\\u0026\\u003e"'), ("\u2028", '"\\u2028"'), ('"\n', '"\\"\\n"'),
        ({"a": [1, {}], "b": ""}, '{"a":[1,{}],"b":""}'),
    ],
)  # fmt: skip
def test_json_is_as_large_as_go_writes_it(value: Any, written: str) -> None:
    assert go_json.size(value) == len(written.encode())
    assert go_json._write(value) == written


def test_of_several_values_the_first_is_read() -> None:
    assert go_json.parse('{"a": 1}{"b": 2}') == ({"a": 1}, '{"b": 2}')
