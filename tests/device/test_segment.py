"""A ring's oldest readings as bytes that stand by themselves, and the ring that they are again."""

from plexus.readings.render import Body
from plexus.readings.segment import pack, refill, unpack
from readings import HEAD, Client, Random
from support import equal, raises

SECTOR = 4096
KINDS = (21.5, 1e-30, 3.0, 7, -7, 1 << 40, True, False, "text", {"a": [1, 2]}, 0.1, -2.25)


def mixed(count=40, ring_bytes=8192, seed=1):
    """A client with readings of all kinds, tags, sources and times."""
    client = Client(ring_bytes)
    random = Random(seed)
    for _ in range(count):
        tags = {"room": "k%d" % random.below(3)} if random.below(3) == 0 else None
        stamp = 1600000000000 + random.below(1000000) if random.below(4) == 0 else None
        source = "other-%d" % random.below(2) if random.below(5) == 0 else None
        metric = "m%d" % random.below(5)
        client.send(metric, random.pick(KINDS), timestamp=stamp, tags=tags, source_id=source)
        client.clock.now_ms += random.below(3) * random.below(100000)
    return client


def text(ring, lock):
    """What a request with all of this ring's readings has."""
    body = Body(ring, lock, HEAD)
    body.measure(100000, 10000000)
    return b"".join([bytes(piece) for piece in body])


def drop(client, count):
    for _ in range(count):
        client.ring.drop()


def test_readings_of_every_kind_come_back_as_they_were():
    for seed in range(20):
        client = mixed(seed=seed)
        raw, count = pack(client.ring, SECTOR)
        equal(count, 40)
        equal(text(unpack(raw), client.lock), client.text())


def test_packing_lets_go_of_nothing():
    client = mixed()
    before = client.text()
    pack(client.ring, SECTOR)
    equal(client.ring.pending, 40)
    equal(client.text(), before)


def test_what_lies_across_the_end_of_the_ring_comes_whole():
    client = Client(1024)
    for value in range(1000):
        client.send("m", value * 1.5)
    raw, count = pack(client.ring, SECTOR)
    equal(count, client.ring.pending)
    equal(text(unpack(raw), client.lock), client.text())


def test_a_segment_is_as_full_as_its_limit_allows():
    client = mixed(400)
    for limit in (200, 333, 1024, 2048):
        raw, count = pack(client.ring, limit)
        if not limit - 60 <= len(raw) <= limit:
            raise AssertionError("%d of %d B" % (len(raw), limit))
        equal(text(unpack(raw), client.lock), client.text(count))


def test_segments_one_behind_the_other_hold_all_of_the_ring():
    client = mixed(400)
    expected = client.points()
    got = []
    while client.ring.pending:
        raw, count = pack(client.ring, 512)
        ring = unpack(raw)
        equal(ring.pending, count)
        client.body.__init__(ring, client.lock, HEAD)
        got += client.points()
        drop(client, count)
    equal(got, expected)


def test_texts_that_its_readings_do_not_name_are_left_out():
    client = mixed(40)
    drop(client, 39)
    raw, count = pack(client.ring, SECTOR)
    equal(count, 1)
    if len(raw) > 150:
        raise AssertionError("%d B for one reading" % len(raw))


def test_a_reading_larger_than_the_limit_is_not_packed():
    client = Client(8192)
    client.send("m", ["x" * 200] * 10)
    equal(pack(client.ring, 1024), (b"", 0))


def test_an_empty_ring_gives_no_segment():
    equal(pack(Client().ring, SECTOR), (b"", 0))


def test_it_is_written_into_the_memory_that_is_given():
    client = mixed()
    out = bytearray(SECTOR)
    raw, count = pack(client.ring, SECTOR, out)
    equal(bytes(raw), bytes(out[: len(raw)]))
    equal(text(unpack(raw), client.lock), client.text())


def test_each_damaged_byte_is_found():
    raw, _ = pack(mixed(10).ring, SECTOR)
    for at in range(len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0x10
        with raises(ValueError):
            unpack(damaged)


def test_a_segment_that_was_cut_is_found():
    raw, _ = pack(mixed(10).ring, SECTOR)
    for size in range(len(raw)):
        with raises(ValueError):
            unpack(bytes(raw[:size]))


def test_readings_of_a_segment_are_let_go_of_as_those_of_a_ring():
    client = mixed()
    expected = client.points()
    ring = unpack(pack(client.ring, SECTOR)[0])
    client.body.__init__(ring, client.lock, HEAD)
    client.measure(15)
    ring.commit(client.body.end)
    equal(ring.pending, 25)
    equal(client.points(), expected[15:])


def test_undated_readings_are_dated_by_moving_all_of_a_segment():
    client = Client(now_ms=1000, known=False)
    for value in range(5):
        client.send("m", value)
        client.clock.now_ms += 1000
    ring = unpack(pack(client.ring, SECTOR)[0])
    ring.date(1700000, 0)
    client.body.__init__(ring, client.lock, HEAD)
    times = [point["timestamp"] for point in client.points()]
    equal(times, [1700000001000 + 1000 * i for i in range(5)])


# --- a ring that goes on where a segment ends ---------------------------------------------------


def refilled(raw, ring_bytes=8192):
    client = Client(ring_bytes)
    refill(client.ring, raw)
    return client


def test_a_ring_goes_on_behind_a_segment_as_if_it_had_never_been_away():
    for seed in range(20):
        for at in (1, 17, 40):
            whole = mixed(60, seed=seed)
            client = refilled(pack(mixed(at, seed=seed).ring, SECTOR)[0])
            # The rest of the same readings.
            tail = mixed(60, seed=seed)
            drop(tail, at)
            for point in tail.points():
                send_again(client, point)
            equal(client.points(), whole.points())


def send_again(client, point):
    stamp = point["timestamp"]
    client.send(
        point["metric"],
        point["value"],
        timestamp=int(stamp),
        tags=point.get("tags"),
        source_id=point.get("source_id"),
    )


def test_readings_at_a_steady_rate_stay_as_dense_over_many_segments():
    raw = b""
    one = Client(8192)
    for wake in range(60):
        client = refilled(raw) if raw else Client(8192)
        for side in (client, one):
            side.clock.now_ms = 1700000000000 + wake * 300000
            side.send_batch((("temperature", 20 + wake * 0.01), ("humidity", 40 + wake % 7 * 0.5)))
        raw = bytes(pack(client.ring, SECTOR)[0])
    equal(client.points(), one.points())
    equal(len(raw), len(pack(one.ring, SECTOR)[0]))


def test_metrics_that_come_back_are_not_named_twice():
    first = Client(8192)
    first.send("a.metric.with.a.long.name", 1)
    raw = pack(first.ring, SECTOR)[0]
    again = refilled(raw)
    again.send("a.metric.with.a.long.name", 1)
    grown = len(pack(again.ring, SECTOR)[0]) - len(raw)
    if grown > 12:
        raise AssertionError("%d B more for one reading more" % grown)


def test_a_ring_that_is_too_small_for_a_segment_says_so():
    raw, _ = pack(mixed(100).ring, SECTOR)
    with raises(ValueError, "for a ring of 300"):
        refilled(raw, 300)


def test_a_refilled_ring_is_dated_as_a_whole():
    client = Client(now_ms=1000, known=False)
    client.send("m", 1)
    again = Client(now_ms=61000, known=False)
    refill(again.ring, pack(client.ring, SECTOR)[0])
    again.send("m", 2)
    again.ring.date(1700000, 0)
    again.body.date(1700000, 0)
    equal([p["timestamp"] for p in again.points()], [1700000001000, 1700000061000])
