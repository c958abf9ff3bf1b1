"""Deliveries whose connection is kept, dies, stalls or cannot be made: all arrives."""

import plexus
from clients import Outage, client, fill, refused, values
from plexus.delivery import bounded_socket
from support import Admin, Proxy, equal

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True
REQUESTS = True


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
    px = client(proxy, keep_alive=True)
    px.send("n", 0)
    px.flush()
    Proxy(proxy.control_url).drop()
    px.send("n", 1)
    real = bounded_socket.socket

    class NoNames:
        SOCK_STREAM = real.SOCK_STREAM
        asked = 0

        def getaddrinfo(self, *_):
            self.asked += 1
            if self.asked > 10:
                raise AssertionError("asked over and over")
            raise OSError(-2)

    bounded_socket.socket = NoNames()
    try:
        exc = refused(px)
    finally:
        bounded_socket.socket = real
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
