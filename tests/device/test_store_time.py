"""The times of stored readings: right, or none, whatever became of the clock and of the power."""

from clients import host_ms
from stores import Place, Wire, stored_client, unknown_clock
from support import FakeTicks, equal

URL = "http://127.0.0.1:9/api/ingest"


def times(wire):
    return [point.get("timestamp") for points in wire.requests for point in points]


def learn(px, ticks):
    """The clock of `px` gets to know the time."""
    px.clock.observe(host_ms(), ticks(), 1, "server")


def fill(px, ticks, count=5):
    """Send so many, a second apart: their ticks."""
    at = []
    for value in range(count):
        px.send("n", value)
        at.append(ticks())
        ticks.advance(1000)
    return at


def test_readings_of_a_known_time_keep_it_over_a_power_cut():
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, URL, ticks)
        start = px.clock.now_ms()
        fill(px, ticks)
        px.persist()
        wire = Wire()
        px = wire.attach(stored_client(place, URL, FakeTicks(77777)))
        px.flush()
        equal(times(wire), [start + 1000 * i for i in range(5)])


def test_readings_stored_before_the_time_is_known_are_dated_in_the_same_run():
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, URL, ticks, known=False)
        wire = Wire()
        wire.attach(px)
        fill(px, ticks)
        px.persist()
        # They leave the ring, so that it is their file that is sent.
        while px.store.copy:
            px.send("m", "x" * 200)
            px.tick(up=False)
        learn(px, ticks)
        now = px.clock.now_ms()
        px.flush()
        equal(times(wire)[:5], [now - 5000 + 1000 * i for i in range(5)])


def test_once_the_time_is_known_their_files_keep_it_over_a_power_cut():
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, URL, ticks, known=False)
        fill(px, ticks)
        px.persist()
        learn(px, ticks)
        now = px.clock.now_ms()
        px.tick(up=False)
        wire = Wire()
        px = wire.attach(stored_client(place, URL, FakeTicks(5)))
        px.flush()
        equal(times(wire), [now - 5000 + 1000 * i for i in range(5)])


def test_the_time_that_comes_amid_a_segment_dates_the_rest_of_it():
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, URL, ticks, known=False, require_clock=False, batch_points=2)
        wire = Wire()
        wire.attach(px)
        fill(px, ticks)
        while px.store.copy or not px.store.files:
            px.send("m", "x" * 200)
            px.tick(up=False)
        ticks.advance(10000)  # an upload is due
        px.tick()
        learn(px, ticks)
        now = px.clock.now_ms()
        px.flush()
        equal(times(wire)[:5], [None, None] + [now - 13000 + 1000 * i for i in range(3)])


def test_readings_whose_time_nobody_knows_any_more_stay_and_this_is_told():
    with Place() as place:
        px = stored_client(place, URL, known=False)
        px.send("lost", 1)
        px.persist()
        wire = Wire()
        px = wire.attach(stored_client(place, URL))
        px.send("n", 2)
        equal((px.flush(), px.pending), (1, 0))
        equal(wire.values(), [2])
        assert "1 readings of an earlier run have no time" in px.status, px.status
        equal(len(place.names()), 1)


def test_without_require_clock_they_are_sent_without_a_time():
    with Place() as place:
        px = stored_client(place, URL, known=False)
        px.send("lost", 1)
        px.send("lost", 2, timestamp=1700000000123)
        px.persist()
        wire = Wire()
        px = wire.attach(stored_client(place, URL, require_clock=False))
        px.send("n", 2)
        px.flush()
        equal(times(wire)[:2], [None, 1700000000123])
        assert times(wire)[2]


def test_a_run_that_goes_on_with_the_line_of_an_earlier_one_dates_its_readings():
    # As after a sleep whose length the board knows.
    with Place() as place:
        ticks = FakeTicks(1000)
        px = stored_client(place, URL, ticks, known=False)
        fill(px, ticks)
        px.persist()
        line = px.store.line
        clock = unknown_clock(ticks)
        clock._base = px.clock._base
        wire = Wire()
        px = wire.attach(stored_client(place, URL, ticks, clock=clock))
        px.store.line = line
        ticks.advance(100000)
        learn(px, ticks)
        now = px.clock.now_ms()
        px.flush()
        equal(times(wire), [now - 105000 + 1000 * i for i in range(5)])
