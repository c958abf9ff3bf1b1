"""From send() to the server: what arrives, and what a request holds."""

import json
import time

import plexus
from clients import KEY, RawServer, answer, client, fill, host_ms, ingests, right_clock, values
from plexus import Plexus
from support import Admin, equal, raises

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True
EPOCH_MS = 1699900000123
VALUES = (
    72.5,
    -40,
    0,
    3.14159,
    1e-7,
    2147483647,
    -2147483648,
    123456789012345678901234567890,
    "",
    "error",
    'quo"te \\ \n\t\x01 ünï 日本 😀',
    True,
    False,
    {"x": 1.5, "y": [1, 2.5, {"z": None}], "ü": "é"},
    {},
    [1.0, 2.5, -3],
    [],
    [[1, "a", False], None],
)


def test_every_value_type_arrives_as_it_was(server):
    px = client(server)
    for value in VALUES:
        px.send("v", value)
    equal(px.flush(), len(VALUES))
    got = values(Admin(server.admin_url), "v")
    equal(got, list(VALUES))
    for value, sent in zip(got, VALUES):
        if isinstance(sent, bool):
            assert value is sent, value


def test_every_value_type_arrives_at_the_gateway(gateway):
    px = client(gateway)
    for value in VALUES:
        px.send("v", value)
    equal(px.flush(), len(VALUES))
    # It reads numbers as floats, so a large integer is rounded.
    rounded = [int(float(v)) if type(v) is int and v > 1 << 53 else v for v in VALUES]
    equal(values(Admin(gateway.admin_url), "v"), rounded)


def test_readings_arrive_in_order_and_once(server):
    px = client(server)
    fill(px, 100)
    equal(px.pending, 100)
    equal(px.flush(), 100)
    equal((px.pending, px.confirmed, px.dropped, px.rejected), (0, 100, 0, 0))
    equal(values(Admin(server.admin_url)), list(range(100)))
    equal(px.flush(), 0)
    equal(len(Admin(server.admin_url).requests()), 1)


def test_reading_is_dated_by_when_it_was_sent(server):
    px = client(server)
    before = host_ms()
    px.send("n", 1)
    time.sleep(0.05)
    px.send("n", 2)
    after = host_ms()
    px.flush()
    first, second = [p["timestamp_ms"] for p in Admin(server.admin_url).points()]
    assert before - 3 <= first <= second - 45 and second <= after + 3, (before, first, second)


def test_timestamp_is_sent_as_an_integer_of_milliseconds(server):
    px = client(server)
    px.send("n", 1)
    px.flush()
    timestamp = Admin(server.admin_url).points()[0]["timestamp"]
    assert isinstance(timestamp, int) and timestamp > 10**12, timestamp


def test_explicit_timestamps_arrive_to_the_millisecond(server):
    px = client(server)
    px.send("n", 1, timestamp=EPOCH_MS)
    px.send("n", 2, timestamp=1699900000)
    px.send("n", 3)
    px.send("n", 4, timestamp=EPOCH_MS - 86400000)
    px.send("n", 5, timestamp=EPOCH_MS + 1)
    px.flush()
    times = [p["timestamp_ms"] for p in Admin(server.admin_url).points()]
    now = times.pop(2)
    equal(times, [EPOCH_MS, 1699900000000, EPOCH_MS - 86400000, EPOCH_MS + 1])
    assert -1000 < now - host_ms() < 1000, now


def test_tags_and_source_of_a_reading_arrive_with_it(server):
    px = client(server)
    px.send("n", 0)
    px.send("n", 1, tags={"location": "läb", "unit": 'A"'})
    px.send("n", 2, source_id="other-2")
    px.send("n", 3, tags={"a": "b"}, source_id="other-2")
    px.send("n", 4)
    px.flush()
    points = Admin(server.admin_url).points()
    equal(
        [(p["value"], p["source_id"], p["tags"]) for p in points],
        [
            (0, "dev-1", None),
            (1, "dev-1", {"location": "läb", "unit": 'A"'}),
            (2, "other-2", None),
            (3, "other-2", {"a": "b"}),
            (4, "dev-1", None),
        ],
    )


def test_batch_has_one_timestamp_and_its_tags(server):
    px = client(server)
    px.send_batch([("a", 22.5), ("b", "on"), ("c", [1, 2])], tags={"room": "1"})
    px.flush()
    points = Admin(server.admin_url).points()
    equal([(p["metric"], p["value"]) for p in points], [("a", 22.5), ("b", "on"), ("c", [1, 2])])
    equal(len({p["timestamp_ms"] for p in points}), 1)
    for point in points:
        equal(point["tags"], {"room": "1"})


def test_batch_with_a_bad_reading_is_refused_whole(server):
    px = client(server)
    with raises(ValueError, "value"):
        px.send_batch([("a", 1), ("b", float("nan")), ("c", 3)])
    equal(px.pending, 0)
    equal(px.flush(), 0)


def test_request_says_who_sends_it(server):
    px = client(server)
    px.send("n", 1)
    px.flush()
    (request,) = ingests(Admin(server.admin_url))
    body = json.loads(request["body"])
    equal(body["sdk"], "micropython/" + plexus.__version__)
    equal(body["source_id"], "dev-1")
    equal((request["method"], request["key"]), ("POST", "accepted"))
    assert request["headers"]["Content-Type"].startswith("application/json")


def test_content_length_counts_bytes_of_utf_8(server):
    px = client(server)
    px.send("日本", "ünï 😀", tags={"ü": "é"})
    px.flush()
    (request,) = ingests(Admin(server.admin_url))
    length = len(request["body"].encode())
    assert length > len(request["body"])
    equal((request["body_bytes"], request["headers"]["Content-Length"]), (length, str(length)))
    assert "Transfer-Encoding" not in request["headers"]


def test_the_default_key_header_is_the_documented_one():
    raw = RawServer(answer())
    px = client(raw)
    px.send("n", 1)
    px.flush()
    assert ("\r\nx-api-key: %s\r\n" % KEY).encode() in raw.requests[0], raw.requests


def test_two_clients_do_not_meet(server, gateway):
    a = client(server)
    b = Plexus(KEY, "dev-2", endpoint=gateway.ingest, clock=right_clock())
    a.send("n", 1)
    b.send("n", 2)
    equal((a.flush(), b.flush()), (1, 1))
    equal(values(Admin(server.admin_url)), [1])
    equal(values(Admin(gateway.admin_url)), [2])
