"""How readings are divided into requests, and what a full ring does to them."""

from clients import client, fill, values
from support import Admin, equal, raises

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True
EPOCH_MS = 1699900000123


def test_more_than_batch_points_go_in_several_requests(server):
    px = client(server, batch_points=30)
    fill(px, 100)
    equal(px.flush(), 100)
    admin = Admin(server.admin_url)
    equal([r["points"] for r in admin.requests()], [30, 30, 30, 10])
    equal(values(admin), list(range(100)))


def test_ten_thousand_readings_go_in_one_request(server):
    px = client(server, ring_bytes=120000, batch_points=10000, timeout_ms=30000)
    fill(px, 10000)
    equal((px.pending, px.flush(), px.pending), (10000, 10000, 0))
    admin = Admin(server.admin_url)
    equal([r["points"] for r in admin.requests()], [10000])
    counts = admin.counts()
    equal((counts["distinct"], counts["duplicates"]), (10000, 0))


def test_no_request_has_over_ten_thousand_points(server):
    px = client(server, ring_bytes=120000, batch_points=10000, timeout_ms=30000)
    fill(px, 10050)
    equal(px.flush(), 10050)
    equal([r["points"] for r in Admin(server.admin_url).requests()], [10000, 50])


def test_no_request_is_over_five_megabytes(server):
    px = client(server, ring_bytes=7000000, batch_points=10000, timeout_ms=30000)
    value = ["x" * 250] * 16  # 4049 bytes of JSON
    for i in range(1500):
        px.send("n", value, timestamp=EPOCH_MS + i)
    equal(px.flush(), 1500)
    requests = Admin(server.admin_url).requests()
    assert len(requests) >= 2, requests
    for request in requests:
        assert request["status"] == 200 and request["body_bytes"] <= 5000000, request
    # ... and none is much smaller than it has to be
    assert requests[0]["body_bytes"] > 4990000, requests[0]["body_bytes"]
    equal(Admin(server.admin_url).counts()["distinct"], 1500)


def test_full_ring_drops_the_oldest_and_delivers_the_rest(server):
    px = client(server, ring_bytes=1024)
    fill(px, 1000)
    pending = px.pending
    assert 0 < pending < 1000
    equal(px.dropped, 1000 - pending)
    equal(px.flush(), pending)
    equal(values(Admin(server.admin_url)), list(range(1000 - pending, 1000)))


def test_full_ring_that_readings_run_into_while_it_connects_is_delivered(server):
    px = client(server, ring_bytes=512)
    for value in range(400):
        px.send("n", value)
    stream = px.http.connection
    connect = stream.connect

    def slow_connect():  # as a TLS handshake is
        for value in range(400, 420) if stream.sock is None else ():
            px.send("n", value)
        connect()

    stream.connect = slow_connect
    pending = px.pending
    assert px.flush() >= pending - 20
    equal((px.pending, px.confirmed + px.dropped), (0, 420))


def test_batch_torn_by_a_full_ring_is_nobodys_fault_and_waits_for_nothing(server):
    px = client(server, ring_bytes=512, flush_interval_ms=0)
    for value in range(400):
        px.send("n", value)
    body = px.delivery.body
    measure = body.measure

    def torn_measure(*arguments):
        count = measure(*arguments)
        body.measure = measure
        for value in range(400, 420):  # and they drop what was measured
            px.send("n", value)
        return count

    body.measure = torn_measure
    equal((px.tick(), px.status[:3]), (0, "ok;"))
    assert px.tick() > 0, px.status
    equal(px.pending, 0)


def test_flush_calls_after_each_request_what_it_is_given(server):
    px = client(server, batch_points=10)
    fill(px, 35)
    pending = []
    equal(px.flush(lambda: pending.append(px.pending)), 35)
    equal(pending, [25, 15, 5, 0])


def test_what_a_flush_calls_may_end_it_and_the_rest_waits(server):
    px = client(server, batch_points=10)
    fill(px, 35)
    left = [1, 2]
    with raises(IndexError):
        px.flush(lambda: left.pop() and left[0])
    equal(px.pending, 15)
    equal(px.flush(), 15)
