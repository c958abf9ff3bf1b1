"""From send() to the server: what arrives, when it is dated, and that it arrives once."""

import gc
import json
import time

import plexus
from clients import (
    KEY,
    Outage,
    RawServer,
    answer,
    client,
    fill,
    host_ms,
    ingests,
    refused,
    right_clock,
    stream_module,
    values,
)
from plexus import Plexus
from plexus.clock import Clock
from plexus.port import ticks_ms
from support import Admin, Proxy, equal, only, raises, wait_until

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True
EPOCH_MS = 1699900000123


# --- what arrives -----------------------------------------------------------------------------

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
    equal(values(Admin(gateway.admin_url), "v"), list(VALUES))


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


# --- limits -----------------------------------------------------------------------------------


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


# --- connections ------------------------------------------------------------------------------


def test_batches_of_one_flush_share_a_connection(server):
    px = client(server, batch_points=10)
    fill(px, 50)
    px.flush()
    connections = [r["connection"] for r in Admin(server.admin_url).requests()]
    equal(len(connections), 5)
    equal(len(set(connections)), 1)


def test_connection_ends_with_the_flush(server, proxy):
    control = Proxy(proxy.control_url)
    px = client(proxy)
    for _ in range(2):
        px.send("n", 1)
        px.flush()
    equal(control.stats()["connections"], 2)


def test_kept_connection_serves_the_next_flush(server, proxy):
    control = Proxy(proxy.control_url)
    px = client(proxy, keep_alive=True)
    for _ in range(3):
        px.send("n", 1)
        px.flush()
    equal(control.stats()["connections"], 1)


def test_kept_connection_that_died_is_replaced_unnoticed(server, proxy):
    control = Proxy(proxy.control_url)
    px = client(proxy, keep_alive=True)
    px.send("n", 0)
    px.flush()
    control.drop()
    px.send("n", 1)
    equal(px.flush(), 1)
    equal(values(Admin(server.admin_url)), [0, 1])
    equal(control.stats()["connections"], 2)


def test_kept_connection_that_the_server_closed_is_replaced_unnoticed(server, proxy):
    px = client(proxy, keep_alive=True)
    px.send("n", 0)
    px.flush()
    with Outage(Admin(server.admin_url)):
        pass  # it closed its connections
    px.send("n", 1)
    equal(px.flush(), 1)
    equal(values(Admin(server.admin_url)), [0, 1])


def test_server_that_ends_each_connection_is_no_trouble(server):
    Admin(server.admin_url).script({"http10": True, "times": -1})
    px = client(server, batch_points=10, keep_alive=True)
    fill(px, 30)
    equal(px.flush(), 30)
    equal(values(Admin(server.admin_url)), list(range(30)))


def test_name_look_up_that_fails_after_a_kept_connection_died_is_an_error(server, proxy):
    # The network is gone: first the connection, then the names. It must end.
    module = stream_module()
    px = client(proxy, keep_alive=True)
    px.send("n", 0)
    px.flush()
    Proxy(proxy.control_url).drop()
    px.send("n", 1)
    real = module.socket

    class NoNames:
        SOCK_STREAM = real.SOCK_STREAM
        asked = 0

        def getaddrinfo(self, *_):
            self.asked += 1
            if self.asked > 10:
                raise AssertionError("asked over and over")
            raise OSError(-2)

    module.socket = NoNames()
    try:
        exc = refused(px)
    finally:
        module.socket = real
    assert "look up" in str(exc), exc
    equal((px.pending, px.flush()), (1, 1))


# --- network trouble --------------------------------------------------------------------------


def test_unknown_name_is_told_and_loses_nothing():
    px = client("http://no-such-host.invalid/api/ingest")
    px.send("n", 1)
    exc = refused(px)
    equal(exc.status, 0)
    assert "could not look up no-such-host.invalid" in str(exc), exc
    assert "no such name" in str(exc) or "no name server" in str(exc), exc
    assert "look up no-such-host.invalid" in px.status, px.status
    equal(px.pending, 1)


def test_refused_connection_is_told_and_loses_nothing(server, proxy):
    control = Proxy(proxy.control_url)
    control.set(mode="refuse")
    px = client(proxy)
    px.send("n", 1)
    exc = refused(px)
    assert "could not connect to 127.0.0.1: it refused the connection" in str(exc), exc
    assert "refused the connection" in px.status and "next try in" in px.status, px.status
    equal((exc.status, px.pending), (0, 1))
    control.clear()
    equal(px.flush(), 1)
    assert px.status.startswith("ok; 0 pending, 1 confirmed"), px.status


def test_network_that_is_back_ends_the_wait(server, proxy):
    control = Proxy(proxy.control_url)
    control.set(mode="refuse")
    px = client(proxy, random=lambda count: b"\x03" * count)
    px.send("n", 1)
    refused(px)
    control.clear()
    equal(px.tick(), 0)
    px.retry_now()
    equal(px.tick(), 1)


def test_network_that_is_back_does_not_end_a_wait_that_the_server_asked_for(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 503, "retry_after": 60})
    px = client(server)
    px.send("n", 1)
    refused(px)
    px.retry_now()
    equal((px.tick(), px.pending), (0, 1))


def _survives(server, proxy, most_copies, **plan):
    # Under the plan a flush fails; afterwards everything arrives, in order, `most_copies` times.
    control = Proxy(proxy.control_url)
    admin = Admin(server.admin_url)
    for after_bytes in (0, 1, 40, 150, 700, 2000):
        admin.reset()
        control.clear()
        control.set(after_bytes=after_bytes, **plan)
        px = client(proxy, timeout_ms=400)
        fill(px, 60)
        try:
            px.flush()
            equal(px.pending, 0)  # the answer is shorter than that
        except plexus.PlexusError as exc:
            equal(exc.status, 0)
            assert str(exc).startswith("could not "), exc
            equal((px.pending, px.confirmed), (60, 0))
            control.clear()
            px.http.timeout_ms = 5000
            equal(px.flush(), 60)
        copies = len(values(admin)) // 60
        assert 1 <= copies <= most_copies, (after_bytes, copies)
        equal(values(admin), list(range(60)) * copies)
        equal((px.pending, px.confirmed, px.dropped, px.rejected), (0, 60, 0, 0))


def test_request_that_is_reset_is_sent_again(server, proxy):
    _survives(server, proxy, 1, mode="reset", direction="up")


def test_request_that_is_cut_is_sent_again(server, proxy):
    _survives(server, proxy, 1, mode="cut", direction="up")


def test_request_that_stalls_is_sent_again(server, proxy):
    _survives(server, proxy, 1, mode="stall", direction="up")


def test_answer_that_is_reset_sends_the_batch_again(server, proxy):
    _survives(server, proxy, 2, mode="reset", direction="down")


def test_answer_that_is_cut_sends_the_batch_again(server, proxy):
    _survives(server, proxy, 2, mode="cut", direction="down")


def test_answer_that_stalls_sends_the_batch_again(server, proxy):
    _survives(server, proxy, 2, mode="stall", direction="down")


def test_half_closed_connection_sends_the_batch_again(server, proxy):
    _survives(server, proxy, 2, mode="half_close", direction="down")


def test_slow_network_loses_nothing(server, proxy):
    Proxy(proxy.control_url).set(delay_ms=1, chunk_bytes=100)
    px = client(proxy)
    fill(px, 60)
    equal(px.flush(), 60)
    equal(values(Admin(server.admin_url)), list(range(60)))


def test_outage_delays_and_loses_nothing(server):
    admin = Admin(server.admin_url)
    px = client(server, flush_interval_ms=0, random=lambda size: bytes(size))
    fill(px, 10)
    with Outage(admin):
        equal(px.tick(), 0)
        fill(px, 10, first=10)
        equal(px.tick(), 0)
        assert "refused the connection" in px.status, px.status
    while px.pending:
        px.tick()
    equal(values(admin), list(range(20)))
    assert px.status.startswith("ok;"), px.status


# --- time -------------------------------------------------------------------------------------


def test_readings_from_before_the_first_sync_are_dated_right(server, chrony):
    px = client(server, ntp_hosts=[chrony.host], ntp_port=chrony.port)
    before = host_ms()
    px.send("n", 0)
    px.send("n", 1, timestamp=EPOCH_MS)
    time.sleep(0.05)
    px.send("n", 2)
    after = host_ms()
    assert not px.clock.known
    equal(px.flush(), 3)
    px.send("n", 3)
    equal(px.flush(), 1)
    times = [p["timestamp_ms"] for p in Admin(server.admin_url).points()]
    assert before - 20 <= times[0] <= times[2] - 45 and times[2] <= after + 20, (before, times)
    equal(times[1], EPOCH_MS)
    assert after - 20 <= times[3] <= host_ms() + 20, (after, times)


def test_tick_sets_the_clock_and_dates_what_waits(server, ntp):
    px = client(server, ntp_hosts=[ntp.good], ntp_port=ntp.port, flush_interval_ms=0)
    before = host_ms()
    px.send("n", 0)
    while px.pending:
        px.tick()
    (point,) = Admin(server.admin_url).points()
    assert before - 20 <= point["timestamp_ms"] <= host_ms() + 20, point


def test_dropped_readings_do_not_shift_the_dates_of_the_others(server, ntp):
    px = client(server, ntp_hosts=[ntp.good], ntp_port=ntp.port, ring_bytes=300)
    before = host_ms()
    fill(px, 300)
    assert px.dropped
    px.flush()
    for point in Admin(server.admin_url).points():
        assert before - 20 <= point["timestamp_ms"] <= host_ms() + 20, point


def test_blocked_ntp_falls_back_to_the_servers_date_without_the_key(server, ntp):
    px = client(server, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port)
    px.send("n", 0)
    before = host_ms()
    equal(px.flush(), 1)
    admin = Admin(server.admin_url)
    first, second = admin.requests()
    equal((first["key"], first["points"], first["body_bytes"]), ("missing", 0, 0))
    equal((second["method"], second["key"], second["points"]), ("POST", "accepted", 1))
    equal(px.clock.source, "http")
    (point,) = admin.points()
    assert before - 1500 <= point["timestamp_ms"] <= host_ms() + 1500, point


def test_without_ntp_tick_takes_the_servers_date(server):
    px = client(server, ntp_hosts=[], flush_interval_ms=0)
    px.send("n", 0)
    wait_until(lambda: px.tick() or px.confirmed)
    equal(px.clock.source, "http")


def test_blocked_ntp_takes_the_servers_date_again_when_the_clock_may_be_off(server):
    clock = Clock([])
    px = client(server, clock=clock)
    clock.observe(host_ms() - 3000, clock.ticks_ms(), 4000, "server")
    px.tick()
    equal(clock.source, "http")
    assert abs(clock.now_ms() - host_ms()) < 1500, clock.now_ms() - host_ms()
    equal([request["key"] for request in Admin(server.admin_url).requests()], ["missing"])


def test_unknown_time_keeps_the_readings_and_is_told(server, ntp):
    admin = Admin(server.admin_url)
    admin.script({"headers": {"Date": None}, "times": -1})
    px = client(server, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port)
    px.send("n", 0)
    exc = refused(px)
    assert "the time is not known" in str(exc) and "DENY" in str(exc), exc
    equal((exc.status, px.pending, px.tick()), (0, 1, 0))
    assert "waiting for the time" in px.status and "DENY" in px.status, px.status
    for request in admin.requests():
        equal((request["key"], request["method"] == "POST"), ("missing", False))
    admin.clear_faults()
    equal(px.flush(), 1)


def _date_is_not_believed(server, ntp, date):
    Admin(server.admin_url).script({"headers": {"Date": date}, "times": -1})
    px = client(server, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port)
    px.send("n", 0)
    assert "the time is not known" in str(refused(px))
    equal((px.tick(), px.pending), (0, 1))


def test_date_of_before_2020_is_not_believed(server, ntp):
    _date_is_not_believed(server, ntp, "Sat, 01 Jan 2000 00:00:00 GMT")


def test_date_of_a_far_year_is_not_believed(server, ntp):
    _date_is_not_believed(server, ntp, "Sat, 01 Jan 99999 00:00:00 GMT")


def test_date_that_is_none_is_not_believed(server, ntp):
    _date_is_not_believed(server, ntp, "yesterday, at about noon")


def test_unreachable_server_and_ntp_are_both_told(ntp, server, proxy):
    Proxy(proxy.control_url).set(mode="refuse")
    px = client(proxy, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port)
    px.send("n", 0)
    exc = refused(px)
    assert "DENY" in str(exc) and "could not connect to 127.0.0.1" in str(exc), exc


def test_without_require_clock_readings_go_undated_until_the_time_is_known(server, ntp):
    admin = Admin(server.admin_url)
    admin.script({"method": "HEAD", "headers": {"Date": None}, "times": -1})
    px = client(server, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port, require_clock=False)
    px.send("n", 0)
    px.send("n", 1, timestamp=EPOCH_MS)
    equal(px.flush(), 2)
    undated, dated = admin.points()
    equal((undated["value"], undated["timestamp"]), (0, None))
    equal(dated["timestamp_ms"], EPOCH_MS)
    px.send("n", 2)
    px.clock.observe(host_ms(), ticks_ms(), 1, "server")
    px.flush()
    assert -1000 < admin.points()[2]["timestamp_ms"] - host_ms() < 1000


def test_clock_of_the_users_own_is_used(server):
    clock = Clock((), set_rtc=False)
    clock.observe(EPOCH_MS, ticks_ms(), 1, "server")
    px = client(server, clock=clock)
    px.send("n", 0)
    px.flush()
    (point,) = Admin(server.admin_url).points()
    assert 0 <= point["timestamp_ms"] - EPOCH_MS < 2000, point


# --- concurrency ------------------------------------------------------------------------------


def _until_empty(px):
    # A flush that begins within another thread's send() is refused: the next one goes.
    while px.pending:
        px.tick()


def test_sends_of_another_thread_during_flushes_arrive_once(server):
    import _thread

    px = client(server, ring_bytes=100000, flush_interval_ms=0, batch_points=50)
    done = []

    def sensor():
        for i in range(1000):
            px.send("thread", i)
            if i % 50 == 0:
                time.sleep(0.002)
        done.append(True)

    _thread.start_new_thread(sensor, ())
    i = 0
    while not done:
        if px.pending < 3000:
            px.send("main", i)
            i += 1
        px.tick()
    _until_empty(px)
    admin = Admin(server.admin_url)
    equal((px.dropped, px.rejected), (0, 0))
    equal(values(admin, "thread"), list(range(1000)))
    equal(values(admin, "main"), list(range(i)))
    equal(px.confirmed, 1000 + i)


def test_threads_that_send_at_once_lose_nothing():
    import _thread

    px = client("http://127.0.0.1:9/", ring_bytes=500000)
    done = []

    def sensor(name):
        fill(px, 5000, name)
        done.append(True)

    for name in ("a", "b", "c"):
        _thread.start_new_thread(sensor, (name,))
    wait_until(lambda: len(done) == 3, 30000)
    equal((px.pending, px.dropped), (15000, 0))


def test_flush_beside_a_sending_thread_is_never_refused(server):
    import _thread

    px = client(server, ring_bytes=200000)
    running = [True]

    def sensor():
        i = 0
        while running:
            px.send("thread", i)
            i += 1
            if i % 20 == 0:
                time.sleep(0.001)
        running.append(None)

    _thread.start_new_thread(sensor, ())
    try:
        for _ in range(50):
            px.flush()
    finally:
        running.clear()
        while not running:
            time.sleep(0.001)


class SendingBody:
    """Calls `work` whenever a piece of a body is asked for: a callback in the midst of a flush."""

    def __init__(self, body, work):
        self._body = body
        self._work = work

    def __iter__(self):
        return self._Pieces(iter(self._body), self._work)

    class _Pieces:
        def __init__(self, pieces, work):
            self._pieces = pieces
            self._work = work

        def __iter__(self):
            return self

        def __next__(self):
            piece = next(self._pieces)
            self._work()
            return piece


def _during_the_request(px, work):
    # The socket's stand-in asks for the body piece by piece: `work` runs between two of them.
    http = px.http
    real = http.request

    def request(method, path, body=None, length=0, **more):
        return real(method, path, body and SendingBody(body, work), length, **more)

    http.request = request


def test_sends_during_a_flush_go_with_the_next_one(server):
    px = client(server)
    sent = []

    def callback():
        px.send("late", len(sent))
        sent.append(True)

    _during_the_request(px, callback)
    fill(px, 60)
    equal(px.flush(), 60)
    late = px.pending
    assert late == len(sent) > 3, late
    equal(px.flush(), late)
    admin = Admin(server.admin_url)
    equal(values(admin), list(range(60)))
    equal(values(admin, "late")[:late], list(range(late)))


def test_ring_that_overflows_during_a_flush_sends_nothing_torn(server):
    px = client(server, ring_bytes=600, random=lambda size: bytes(size))
    sent = []

    def callback():
        if len(sent) < 200:
            fill(px, 20, first=1000 + len(sent))
            sent.extend([True] * 20)

    _during_the_request(px, callback)
    fill(px, 60)
    while px.pending:
        try:
            px.flush()
        except plexus.PlexusError as exc:
            assert "dropped readings that were being sent" in str(exc), exc
    got = values(Admin(server.admin_url))
    equal(got, sorted(set(got)))
    equal(got[-1], 1199)
    equal(px.confirmed + px.dropped, 260)
    equal(len(got), px.confirmed)


def test_flush_within_a_flush_is_refused_and_tick_does_nothing(server):
    px = client(server)
    seen = []

    def callback():
        equal(px.tick(), 0)
        try:
            px.flush()
        except plexus.PlexusError as exc:
            seen.append(str(exc))

    _during_the_request(px, callback)
    px.send("n", 1)
    equal(px.flush(), 1)
    assert seen and "under way" in seen[0], seen
    equal(px.flush(), 0)  # ... and it is free again


@only("micropython")
def test_scheduled_callbacks_send_during_flushes(server):
    import micropython

    px = client(server, ring_bytes=60000)
    counter = [0]

    def callback(_):
        px.send("callback", counter[0])
        counter[0] += 1

    def schedule():
        if px.confirmed:
            return
        try:
            micropython.schedule(callback, None)
        except RuntimeError:
            pass  # the queue is full

    _during_the_request(px, schedule)
    fill(px, 500)
    equal(px.flush(), 500)
    while px.pending:
        px.flush()
    admin = Admin(server.admin_url)
    equal(values(admin), list(range(500)))
    got = values(admin, "callback")
    assert len(got) > 10
    equal(got, list(range(len(got))))


@only("cpython")
def test_signal_handlers_send_during_flushes(server):
    import signal

    px = client(server, ring_bytes=200000, flush_interval_ms=0)
    counter = [0]

    def handler(*_):
        if counter[0] < 500:
            px.send("signal", counter[0])
            counter[0] += 1

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        import threading

        target = threading.main_thread().ident
        stop = threading.Event()

        def shoot():
            while not stop.wait(0.0005):
                signal.pthread_kill(target, signal.SIGUSR1)

        shooter = threading.Thread(target=shoot)
        shooter.start()
        i = 0
        while counter[0] < 500:
            px.send("main", i)
            i += 1
            px.tick()
        stop.set()
        shooter.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    _until_empty(px)
    admin = Admin(server.admin_url)
    equal(values(admin, "main"), list(range(i)))
    equal(sorted(values(admin, "signal")), list(range(500)))
    equal(px.dropped, 0)


# --- resources --------------------------------------------------------------------------------


def open_files():
    import os

    return len(os.listdir("/proc/self/fd"))


def _leaves_no_socket(admin, px, times, *script):
    for _ in range(3):  # whatever stays loaded is there from now on
        if script:
            admin.script(*script)
        refused(px)
    files = open_files()
    for _ in range(times):
        if script:
            admin.script(*script)
        refused(px)
    wait_until(lambda: open_files() <= files)  # the server, too, has to notice that they closed


def test_failing_requests_leave_no_open_socket(server):
    admin = Admin(server.admin_url)
    for fault in (
        {"status": 500},
        {"status": 401},
        {"reset": True},
        {"read_then_reset": True},
        {"cut_after": 30},
        {"cut_after": 120},
        {"html": True},
        {"html": True, "chunked": True},
        {"html": True, "lengthless": True},
        {"redirect": "http://127.0.0.1:1/"},
        {"endless_header": 9000},
    ):
        px = client(server)
        px.send("n", 1)
        _leaves_no_socket(admin, px, 12, fault)
        equal(px.pending, 1)


def test_stalled_requests_leave_no_open_socket(server):
    admin = Admin(server.admin_url)
    px = client(server, timeout_ms=10)
    px.send("n", 1)
    admin.script({"stall": "before_headers", "times": -1})
    _leaves_no_socket(admin, px, 50)


def test_refused_connections_leave_no_open_socket(server, proxy):
    Proxy(proxy.control_url).set(mode="refuse")
    px = client(proxy)
    px.send("n", 1)
    _leaves_no_socket(None, px, 50)


def test_successful_flushes_leave_no_open_socket(server):
    px = client(server)
    px.send("n", 1)
    px.flush()
    files = open_files()
    for _ in range(50):
        px.send("n", 1)
        px.flush()
    wait_until(lambda: open_files() <= files)


def allocated():
    gc.collect()
    return gc.mem_alloc()


@only("micropython")
def test_heap_after_many_flushes_is_as_before(server):
    px = client(server)
    for _ in range(10):
        fill(px, 20)
        px.flush()
    before = allocated()
    for _ in range(200):
        fill(px, 20)
        px.flush()
    grown = allocated() - before
    assert grown < 200, grown


@only("micropython")
def test_heap_after_many_failures_is_as_before(server):
    admin = Admin(server.admin_url)
    px = client(server)
    px.send("n", 1)
    for fault in ({"status": 503}, {"reset": True}, {"html": True}, {"endless_header": 100000}):
        admin.script(dict(fault, times=60))
        for _ in range(10):
            refused(px)
        before = allocated()
        for _ in range(50):
            refused(px)
        grown = allocated() - before
        assert grown < 200, (fault, grown)
        admin.clear_faults()


@only("micropython")
def test_heap_for_a_flush_does_not_grow_with_the_readings(server):
    px = client(server, ring_bytes=120000, batch_points=10000, timeout_ms=30000)
    grown = {}
    for count in (10, 10, 5000):
        fill(px, count)
        before = allocated()
        gc.disable()
        px.flush()
        grown[count] = gc.mem_alloc() - before
        gc.enable()
    assert grown[5000] < grown[10] + 500, grown


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
