"""Deliveries while the time is unknown: when readings are dated, and by what."""

import time

from clients import client, fill, host_ms, refused
from plexus.clock import Clock
from plexus.port import ticks_ms
from support import Admin, Proxy, equal, wait_until

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True
EPOCH_MS = 1699900000123


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
