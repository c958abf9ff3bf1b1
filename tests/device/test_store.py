"""Readings that outlive the client: what is written when, delivered in order, and once."""

import os
import sys

from clients import Outage, client, fill, ingests, values
from plexus import PlexusError
from stores import Place, Wire, exists, fill_until_written, stored_client
from support import Admin, FakeTicks, equal, raises

SHORT_NAMES = True
URL = "http://127.0.0.1:9/api/ingest"
MINUTE_MS = 60000
HEAP = "32M"


def test_nothing_is_written_while_all_is_delivered(server):
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, server, ticks, ring_bytes=256)
        for value in range(500):
            px.send("n", value)
            px.tick()
            ticks.advance(1000)
            equal(place.names(), [])
        px.flush()
        equal((place.names(), px.dropped), ([], 0))
        equal(values(Admin(server.admin_url)), list(range(500)))


def test_without_a_store_no_module_of_it_is_loaded(server):
    for name in list(sys.modules):
        if name.startswith("plexus.store"):
            del sys.modules[name]
    px = client(server)
    fill(px, 10)
    px.flush()
    equal([name for name in sys.modules if name.startswith("plexus.store")], [])


def test_a_full_ring_is_written_in_place_of_dropping(server):
    with Place() as place:
        px = stored_client(place, server)
        for value in range(3000):
            px.send("n", value)
            px.tick(up=False)
        equal((px.dropped, px.pending), (0, 3000))
        equal(len(place.names()), 3)
        equal(px.flush(), 3000)
        equal((place.names(), px.pending), ([], 0))
        equal(values(Admin(server.admin_url)), list(range(3000)))


def test_readings_of_a_client_that_is_gone_come_first(server):
    with Place() as place:
        px = stored_client(place, server)
        fill(px, 700)
        equal(px.persist(), True)
        px = stored_client(place, server)
        equal(px.pending, 700)
        fill(px, 10, first=700)
        equal((px.pending, px.flush(), px.pending), (710, 710, 0))
        equal(values(Admin(server.admin_url)), list(range(710)))
        equal(Admin(server.admin_url).counts()["duplicates"], 0)


def test_they_are_sent_at_the_first_tick(server):
    with Place() as place:
        px = stored_client(place, server)
        fill(px, 5)
        px.persist()
        px = stored_client(place, server)
        equal((px.tick(), px.pending), (5, 0))


def test_readings_are_in_ram_alone_for_the_interval_at_most(server):
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, server, ticks, persist_interval_s=60)
        for second in range(600):
            px.send("n", second)
            px.tick(up=False)
            lost = px.pending - px.store.copied()
            assert lost <= 61, lost
            ticks.advance(1000)
        equal(len(place.names()), 1)
        px = stored_client(place, server)
        assert px.pending >= 539, px.pending
        px.flush()
        equal(values(Admin(server.admin_url)), list(range(px.confirmed)))


def test_a_program_that_only_flushes_keeps_what_a_full_ring_would_drop():
    wire = Wire()
    with Place() as place:
        px = wire.attach(stored_client(place, URL))
        wire.up = False
        for value in range(3000):
            px.send("n", value)
            if value % 100 == 0:
                with raises(PlexusError):
                    px.flush()
        equal((px.dropped, px.pending), (0, 3000))
        wire.up = True
        px.flush()
        equal(wire.values(), list(range(3000)))


def test_the_network_is_away_when_requests_fail(server):
    admin = Admin(server.admin_url)
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, server, ticks)
        with Outage(admin):
            for _ in range(30):
                px.send("n", 1)
                px.tick()
                ticks.advance(10000)
        equal(len(place.names()), 1)


def test_readings_that_wait_for_the_time_are_written(server):
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, server, ticks, known=False)
        with Outage(Admin(server.admin_url)):
            px.send("n", 1)
            px.tick()
            ticks.advance(MINUTE_MS)
            px.tick()
        equal(len(place.names()), 1)


def test_an_outage_is_written_once_an_interval(server):
    written = []
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, server, ticks, persist_interval_s=60)
        for second in range(600):
            px.send("n", second)
            px.tick(up=False)
            if place.names() != written[-1:]:
                written += place.names()
            ticks.advance(1000)
        equal(len(written), 9)


def test_few_readings_take_one_file_that_is_replaced(server):
    with Place() as place:
        px = stored_client(place, server)
        for value in range(20):
            px.send("n", value)
            px.persist()
            equal(len(place.names()), 1)
        equal((px.pending, px.flush()), (20, 20))
        equal(place.names(), [])
        equal(Admin(server.admin_url).counts()["duplicates"], 0)


def test_persist_writes_nothing_twice(server):
    with Place() as place:
        px = stored_client(place, server)
        fill(px, 20)
        px.persist()
        before = place.names()
        place.change(before[0], lambda raw: raw + b"mark")
        px.persist()
        with open(place.folder + "/" + before[0], "rb") as file:
            equal(file.read()[-4:], b"mark")


def test_persist_without_a_store_tells_that_readings_would_be_lost(server):
    px = client(server)
    equal(px.persist(), True)
    px.send("n", 1)
    equal(px.persist(), False)


def test_a_file_is_gone_when_its_last_reading_is_confirmed(server):
    with Place() as place:
        px = stored_client(place, server, batch_points=100)
        fill(px, 250)
        px.persist()
        px = stored_client(place, server, batch_points=100)
        left = []
        while px.pending:
            px.tick()
            left.append((px.pending, len(place.names())))
        equal(left, [(150, 1), (50, 1), (0, 0)])


def test_a_segment_goes_in_one_request_unless_batch_points_says_less(server):
    with Place() as place:
        px = stored_client(place, server, ring_bytes=16384)
        count = fill_until_written(px)
        px.flush()
        stored = ingests(Admin(server.admin_url))[0]["points"]
        assert 1000 < stored < count, stored


def test_a_segment_that_is_too_large_for_the_server_is_divided(server):
    admin = Admin(server.admin_url)
    with Place() as place:
        px = stored_client(place, server)
        fill(px, 400)
        px.persist()
        px = stored_client(place, server)
        admin.script(*[{"status": 413}] * 3)
        equal(px.flush(), 400)
        equal([r["points"] for r in admin.requests()][3:5], [50, 57])
        equal(values(admin), list(range(400)))


def test_a_refused_reading_of_a_segment_is_found_and_named():
    wire = Wire()
    wire.refused = "refuse.me"
    with Place() as place:
        px = stored_client(place, URL)
        fill(px, 50)
        px.send("refuse.me", 1)
        fill(px, 50, first=50)
        px.persist()
        ticks = FakeTicks(1000)
        px = wire.attach(stored_client(place, URL, ticks))
        for _ in range(200):
            px.tick()
            ticks.advance(1000)
        equal((px.rejected, px.pending, place.names()), (1, 0, []))
        equal(px.delivery.rejection, ("refuse.me", "refused"))
        equal(wire.values(), list(range(100)))


def test_a_full_store_drops_its_oldest_segment_and_counts_it(server):
    with Place() as place:
        px = stored_client(place, server, store_bytes=4 * 4096)
        for value in range(5000):
            px.send("n", value)
            px.tick(up=False)
        assert len(place.names()) <= 4
        assert px.dropped > 1000
        equal(px.pending + px.dropped, 5000)
        kept = px.pending
        equal(px.flush(), kept)
        equal(values(Admin(server.admin_url)), list(range(5000 - kept, 5000)))


def test_readings_that_come_while_a_segment_is_sent_follow_it(server):
    with Place() as place:
        px = stored_client(place, server, batch_points=50)
        fill(px, 120)
        px.persist()
        px = stored_client(place, server, batch_points=50)
        for value in range(120, 140):
            px.tick()
            px.send("n", value)
        px.flush()
        equal(values(Admin(server.admin_url)), list(range(140)))


def test_a_segment_that_is_being_sent_makes_room_for_one_to_be_written(server):
    admin = Admin(server.admin_url)
    with Place() as place:
        px = stored_client(place, server, batch_points=50)
        fill(px, 120)
        px.persist()
        px = stored_client(place, server, batch_points=50)
        px.tick()
        with Outage(admin):
            count = fill_until_written(px, 120)
        px.flush()
        equal(values(admin), list(range(120 + count)))
        equal(admin.counts()["duplicates"], 0)


def test_the_end_of_a_session_waits_for_its_stored_readings(server):
    admin = Admin(server.admin_url)
    with Place() as place:
        px = stored_client(place, server, batch_points=100)
        with px.session("s-1"):
            fill(px, 50)
            px.persist()
            px.store.copy and fill_until_written(px, 50)
        px.tick()
        equal([s.get("ended_at") for s in admin.sessions()], [None])
        px.flush()
        assert admin.sessions()[0]["ended_at"], admin.sessions()


def test_damage_is_skipped_counted_and_told(server):
    with Place() as place:
        px = stored_client(place, server)
        first = fill_until_written(px)
        fill_until_written(px, first)
        counts = [int(name.split("-")[1], 16) for name in place.names()]
        total = px.pending
        px.persist()

        def damage(raw):
            raw[len(raw) // 2] ^= 1
            return raw

        place.change(place.names()[0], damage)
        px = stored_client(place, server)
        equal(px.flush(), total - counts[0])
        equal((px.store.damaged, place.names(), px.pending), (counts[0], [], 0))
        assert "%d readings are lost: their file is damaged" % counts[0] in px.status, px.status
        equal(px.diagnostics()["damaged"], counts[0])


def test_files_of_others_are_left_alone(server):
    with Place() as place:
        stored_client(place, server)
        for name in ("notes.txt", "1-2-3-4", "zz-1"):
            with open(place.folder + "/" + name, "w") as file:
                file.write("mine")
        px = stored_client(place, server)
        equal(px.pending, 0)
        equal(sorted(os.listdir(place.folder)), ["1-2-3-4", "notes.txt", "zz-1"])


def test_a_store_that_cannot_be_written_is_told_and_delivery_goes_on(server):
    with Place() as place:
        px = stored_client(type("Nowhere", (), {"path": "/nowhere/at/all"}), server)
        fill(px, 20)
        equal(px.persist(), False)
        assert "no such folder" in px.status, px.status
        assert "RAM alone" in px.diagnostics()["store_problem"]
        equal(px.flush(), 20)
    assert not exists(place.folder)


def test_what_a_store_may_be(server):
    for path in ("", 1, b"/plexus"):
        with raises(ValueError, "store: a path"):
            client(server, store=path)
    with raises(ValueError, "store_bytes"):
        client(server, store="/tmp/x", store_bytes=4096)
    with raises(ValueError, "persist_interval_s"):
        client(server, store="/tmp/x", persist_interval_s=0)
