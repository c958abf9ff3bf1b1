"""The body of a request: pieces of JSON that amount to just what was announced."""

import json

from plexus.readings.render import Body
from readings import HEAD, START_MS, Client, Random
from support import equal, raises

PIECE = 1024


def filled(count=100, ring_bytes=8192):
    """A client with readings of every kind, and the values that they have."""
    client = Client(ring_bytes)
    values = []
    kinds = (1.5, 7, True, "text é", 1 / 3, [1, "two"], -(10**12), 1e-300, {"x": 2.5}, False, -3)
    for place in range(count):
        value = kinds[place % len(kinds)]
        client.clock.now_ms += 1000
        client.send("metric-%d" % (place % 7), value)
        values.append(value)
    return client, values


def pieces(client):
    return [bytes(piece) for piece in client.body]


def test_points_are_in_the_order_of_sending():
    client, values = filled()
    points = client.points()
    equal([point["metric"] for point in points], ["metric-%d" % (i % 7) for i in range(100)])
    equal([point["timestamp"] for point in points], [START_MS + 1000 * i for i in range(1, 101)])
    equal([point["value"] for point in points], values)


def test_body_without_readings_is_complete():
    client = Client()
    equal(client.text(), HEAD + b"]}")
    equal(client.body.count, 0)


def test_piece_has_at_most_1024_bytes():
    # The end comes to lie at every place of a piece.
    client = Client()
    client.send("m", ["x" * 500])
    for length in range(600):
        client.send("m", ["y" * length])
        client.measure()
        made = pieces(client)
        for piece in made:
            assert len(piece) <= PIECE, len(piece)
        equal(sum([len(piece) for piece in made]), client.body.len)
        assert made[-1].endswith(b"]}"), made[-1]
        client.measure(1)
        client.confirm_all()


def test_pieces_between_head_and_end_are_full():
    client, _ = filled()
    client.measure()
    made = pieces(client)
    equal(made[0], HEAD)
    equal([len(piece) for piece in made[1:-1]], [PIECE] * (len(made) - 2))


def test_pieces_lie_in_the_same_memory():
    client, _ = filled()
    client.measure()
    out = list(client.body)[1:-1]
    assert len(out) > 3
    for piece in out:
        assert piece is out[0]


def test_body_can_be_sent_again():
    client, _ = filled()
    client.measure()
    first = client.rendered()
    equal(client.rendered(), first)
    iterator = iter(client.body)
    next(iterator)
    next(iterator)
    equal(client.rendered(), first)


def test_count_bounds_the_readings():
    client, values = filled()
    for count in (0, 1, 2, 50, 99, 100, 101):
        equal(client.measure(count), min(count, 100))
        equal([point["value"] for point in client.points(count)], values[:count])


def test_limit_bounds_the_bytes_and_wastes_none():
    client, _ = filled()
    lengths = []  # of a body with so many readings
    for count in range(101):
        client.measure(count)
        lengths.append(client.body.len)
    for count in range(1, 100):
        for limit in (lengths[count], lengths[count] + 1, lengths[count + 1] - 1):
            equal(client.measure(limit=limit), count)
            assert client.body.len <= limit
    equal(client.measure(limit=lengths[1] - 1), 0)


def test_skip_passes_over_the_oldest():
    client, values = filled()
    client.measure()
    start = client.body.start
    for skip in (0, 1, 37, 99):
        equal([point["value"] for point in client.points(2, skip=skip)], values[skip : skip + 2])
        equal(client.body.start, start + skip)
    equal(client.measure(5, skip=100), 0)
    equal(client.measure(5, skip=200), 0)


def test_undated_body_keeps_only_the_times_that_were_given():
    client = Client()
    client.send("a", 1)
    client.send("b", 2, timestamp=1600000000123)
    client.send("c", 3.5)
    points = client.points(dated=False)
    equal([point.get("timestamp") for point in points], [None, 1600000000123, None])
    equal([point["value"] for point in points], [1, 2, 3.5])
    equal([point["timestamp"] for point in client.points()], [START_MS, 1600000000123, START_MS])


def test_float_with_an_exponent_may_lie_across_pieces():
    client = Client()
    values = []
    for place in range(100):
        values.append(1.2345678901234567e-100 * 10.0 ** (place % 7))
        client.send("m" * (1 + place % 13), values[-1])
    texts = [b'"value":%s,' % text.encode() for text in client.value_texts()]
    text = client.text()
    at = 0
    for written in texts:
        at = text.index(written, at) + 1
    equal(client.body.count, 100)


def test_reading_longer_than_a_piece_lies_across_several():
    client = Client()
    values = [["x" * 700] * 5, "short", ["é" * 900], {"a": "b" * 2000}]
    for value in values:
        client.send("m", value)
    equal(client.values(), values)


def test_what_is_sent_meanwhile_is_not_in_the_body():
    client, _ = filled()
    expected = client.text()
    client.measure()
    out = b""
    for piece in client.body:
        out += bytes(piece)
        client.send("meanwhile", 1.25)
        client.send("meanwhile", "text", tags={"a": "b"})
    equal(out, expected)
    client.confirm_all()
    assert client.pending > 10
    equal({point["metric"] for point in client.points()}, {"meanwhile"})


def test_readings_that_arrive_while_iterating_do_not_change_a_second_body():
    client, values = filled()
    other = Body(client.ring, client.lock, b"[")
    client.measure(50)
    other.measure(100, 1000000)
    one = iter(client.body)
    two = iter(other)
    out_one = out_two = b""
    for _ in range(100):
        out_one += bytes(next(one, b""))
        out_two += bytes(next(two, b""))
    equal([point["value"] for point in json.loads(out_one)["points"]], values[:50])
    equal([point["value"] for point in json.loads(out_two[:-1])], values)


def test_drop_during_iteration_is_an_error_and_loses_nothing_more():
    client, values = filled(100, ring_bytes=2048)
    client.measure()
    kept = client.body.count
    iterator = iter(client.body)
    next(iterator)
    next(iterator)
    dropped = client.dropped
    while client.dropped < dropped + 20:
        client.send("late", "x" * 100)
    with raises(OSError, "dropped"):
        while True:
            next(iterator)
    equal(client.pending, client.measure())
    got = client.values()
    rest = [value for value in got if value != "x" * 100]
    equal(rest, values[len(values) - len(rest) :])
    equal(len(rest), kept - (client.dropped - dropped))


def test_drop_of_what_is_already_out_does_not_disturb():
    client, _ = filled(60, ring_bytes=2048)
    client.measure()
    expected = client.rendered()
    out = b""
    for piece in client.body:
        out += bytes(piece)
        # The oldest are dropped, long after their pieces went out.
        if len(out) > len(expected) // 2:
            while client.dropped == 0:
                client.send("fill", 1)
    assert 0 < client.dropped < 5, client.dropped
    equal(out, expected)


def test_text_across_the_end_of_the_ring_is_whole():
    random = Random(4)
    client = Client(ring_bytes=997)
    for _ in range(400):
        value = "".join([chr(33 + random.below(90)) for _ in range(random.below(200))])
        client.send("m" if random.below(2) else "n", value, tags={"a": "b"})
        client.send("f", 1 / (1 + random.below(1000)))
        texts = [point["value"] for point in client.points()]
        equal(texts[-2], value)
        if random.below(3) == 0:
            client.measure(random.below(5))
            client.confirm_all()
