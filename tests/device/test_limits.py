"""A server that keeps a part of the readings: what a limit discarded, told by it or found."""

import json

from clients import OwnTicks, RawServer, answer, client, fill, refused, right_clock
from plexus.readings.source_body import sources
from support import equal

SHORT_NAMES = True


class Gateway:
    """Stores readings of an ingest but for those of sources that are over their limit.

    limits: {source: readings of a request that it stores}. says: whether `dropped` is in its
    answer. short: it stores that many fewer of the first request, whosever they are. `stored` has
    (source, value) of each reading that it stored, `sizes` the number of readings of each request.
    """

    def __init__(self, limits, says=False, short=0):
        self.limits = limits
        self.says = says
        self.short = short
        self.stored = []
        self.sizes = []
        self.server = RawServer(*[self._answer] * 60)
        self.ingest = self.server.ingest

    def _answer(self, body):
        request = json.loads(body)
        kept = {}
        points = request["points"]
        self.sizes.append(len(points))
        dropped = self.short
        self.short = 0
        points = points[dropped:]
        for point in points:
            source = point.get("source_id", request["source_id"])
            kept[source] = kept.get(source, 0) + 1
            if kept[source] > self.limits.get(source, 100000):
                dropped += 1
            else:
                self.stored.append((source, point["value"]))
        told = {"success": True, "count": len(request["points"]) - dropped}
        if self.says:
            told["dropped"] = dropped
        return answer(json.dumps(told).encode())

    def values(self, source):
        return [value for its, value in self.stored if its == source]


def mixed(px, count=60, every=10, source="pump"):
    """Readings of the client's own source, and each tenth one of another."""
    for value in range(count):
        px.send("n", value, source_id=source if value % every == 3 else None)


def account(px):
    return px.pending, px.confirmed, px.discarded, px.rejected, px.dropped


def step_on(px, ticks, passed_ms=100, limit=200):
    """Let time pass until nothing is pending; the number of ticks that took."""
    for number in range(limit):
        if not px.pending:
            return number
        ticks.advance(passed_ms)
        px.tick()
    raise AssertionError(px.status)


def test_what_the_server_says_it_discarded_is_not_sent_again():
    gateway = Gateway({"pump": 0}, says=True)
    px = client(gateway)
    mixed(px)
    equal(px.flush(), 54)
    equal(account(px), (0, 54, 6, 0, 0))
    equal(gateway.sizes, [60])
    assert "6 discarded by the server's limit (pump)" in px.status, px.status
    equal(px.diagnostics()["discarded"], 6)


def test_the_device_itself_is_named_where_its_own_readings_are_discarded():
    gateway = Gateway({"dev-1": 4}, says=True)
    px = client(gateway)
    fill(px, 10)
    equal(px.flush(), 4)
    equal(account(px), (0, 4, 6, 0, 0))
    assert "6 discarded by the server's limit (dev-1)" in px.status, px.status


def test_where_it_cannot_be_told_whose_readings_were_discarded_nobody_is_named():
    gateway = Gateway({"pump": 3, "dev-1": 50}, says=True)
    px = client(gateway)
    mixed(px)
    equal(px.flush(), 53)
    assert "7 discarded by the server's limit;" in px.status + ";", px.status


def test_dropped_that_is_no_number_of_readings_acknowledges_nothing():
    for dropped in (b"true", b'"1"', b"-1", b"1.0", b"null", b"[]"):
        server = RawServer(answer(b'{"success":true,"count":0,"dropped":%s}' % dropped))
        px = client(server)
        px.send("n", 1)
        equal(refused(px).status, 200)
        equal(account(px), (1, 0, 0, 0, 0))


def test_a_source_over_its_limit_is_found_and_the_others_are_stored_once():
    gateway = Gateway({"pump": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0)
        mixed(px)
        step_on(px, ticks)
    equal(account(px), (0, 54, 6, 0, 0))
    equal(gateway.values("dev-1"), [value for value in range(60) if value % 10 != 3])
    equal(gateway.values("pump"), [])
    # The batch, and twice those of the one whose number was missing, a second apart.
    equal(gateway.sizes[:2], [60, 6])
    assert set(gateway.sizes[1:]) == {6}, gateway.sizes
    assert "6 discarded by the server's limit (pump)" in px.status, px.status


def test_a_source_that_was_over_its_limit_just_now_costs_no_further_request():
    gateway = Gateway({"pump": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0)
        mixed(px)
        step_on(px, ticks)
        before = len(gateway.sizes)
        mixed(px)
        step_on(px, ticks)
    equal(gateway.sizes[before:], [60])
    equal(account(px), (0, 108, 12, 0, 0))
    equal(len(gateway.stored), 108)


def test_a_source_that_was_over_its_limit_for_a_moment_loses_nothing():
    gateway = Gateway({"pump": 0})
    px = client(gateway, flush_interval_ms=0)
    mixed(px)
    px.tick()
    gateway.limits = {}
    px.flush()
    equal(account(px), (0, 60, 0, 0, 0))
    equal(sorted(set(gateway.values("pump"))), [3, 13, 23, 33, 43, 53])


def test_two_sources_over_their_limits_are_found():
    gateway = Gateway({"pump": 0, "fan": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0)
        for value in range(60):
            px.send("n", value, source_id={3: "pump", 5: "fan"}.get(value % 10))
        step_on(px, ticks)
    equal(account(px), (0, 48, 12, 0, 0))
    stored = gateway.values("dev-1")
    equal(sorted(set(stored)), [value for value in range(60) if value % 10 not in (3, 5)])
    assert len(stored) <= 2 * 48, len(stored)


def test_readings_that_were_lost_by_chance_are_sent_again():
    gateway = Gateway({}, short=7)
    px = client(gateway, flush_interval_ms=0)
    mixed(px)
    px.flush()
    equal(account(px), (0, 60, 0, 0, 0))
    equal(sorted({value for _, value in gateway.stored}), list(range(60)))


def test_a_source_of_which_a_part_is_stored_each_time_is_sent_in_smaller_parts():
    gateway = Gateway({"pump": 4})
    px = client(gateway, flush_interval_ms=0)
    mixed(px)
    px.flush()
    equal(account(px), (0, 60, 0, 0, 0))
    equal(sorted(set(gateway.values("pump"))), [3, 13, 23, 33, 43, 53])


def test_a_source_over_its_limit_that_fills_a_batch_holds_up_no_other():
    gateway = Gateway({"pump": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0, batch_points=5)
        fill(px, 30, source_id="pump")
        fill(px, 5, first=30)
        step_on(px, ticks)
    equal(account(px), (0, 5, 30, 0, 0))
    equal(gateway.values("dev-1"), [30, 31, 32, 33, 34])


def test_a_batch_of_one_source_that_is_stored_in_part_waits_and_goes_again():
    gateway = Gateway({"dev-1": 5})
    px = client(gateway)
    fill(px, 6)
    equal(refused(px).status, 200)
    equal((px.pending, px.discarded), (6, 0))


def test_nothing_is_given_up_while_the_server_stores_nothing_at_all():
    gateway = Gateway({"pump": 0, "dev-1": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0)
        mixed(px, 20)
        for _ in range(300):
            ticks.advance(1000)
            px.tick()
        equal((px.pending, px.discarded), (20, 0))
        gateway.limits = {}
        ticks.advance(61000)
        px.tick()
        px.flush()
    equal(sorted({value for _, value in gateway.stored}), list(range(20)))


def test_a_reading_that_is_dropped_by_a_full_ring_meanwhile_is_counted_once():
    gateway = Gateway({"pump": 0})
    with OwnTicks() as ticks:
        px = client(gateway, clock=right_clock(ticks), flush_interval_ms=0, ring_bytes=512)
        mixed(px)
        px.tick()  # the search has begun
        mixed(px, 200)
        sent = 260
        step_on(px, ticks)
    equal(sum(account(px)), sent)
    assert px.dropped and px.discarded, px.status


def test_a_long_text_of_one_source_is_sent_whole():
    gateway = Gateway({"pump": 0})
    px = client(gateway, flush_interval_ms=0, ring_bytes=16384)
    texts = [["x%d" % value + "y" * 250] * 8 for value in range(4)]
    for value in range(40):
        px.send("n", value)
    for text in texts:
        px.send("t", text, source_id="pump")
    px.tick()
    gateway.limits = {}
    px.flush()
    equal([value for its, value in gateway.stored if its == "pump"], texts)


def test_the_source_of_a_reading_is_its_own_and_not_one_of_its_tags():
    px = client("http://127.0.0.1:9/api/ingest")
    px.send("n", 1, tags={"a": "b", "source_id": "tag"})
    px.send("n", 1, tags={"source_id": "tag"}, source_id="pump")
    px.send("n", 1, source_id="pump")
    px.send("n", 1)
    ring = px.buffer.ring
    equal(sources(ring, ring.tail[7], 4), {b"": 2, b',"source_id":"pump"}': 2})
